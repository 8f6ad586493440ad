/**
 * The real page, pack and devices in the installed Chromium. `dist/` must be built before.
 *
 * One worker: SwiftShader and ONNX Runtime take every core, and two at once only slow each other.
 */
import { defineConfig } from '@playwright/test';
import { chromiumPath, GPU_ARGS } from './chromium.mjs';

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: '../test-results',
  workers: 1,
  // A step of the denoiser takes ten seconds on SwiftShader, and many times that beside other work:
  // a limit ends what hangs, it does not measure.
  timeout: 900_000,
  expect: { timeout: 90_000 },
  reporter: [['list']],
  use: {
    launchOptions: { executablePath: chromiumPath(), args: GPU_ARGS },
    viewport: { width: 1280, height: 800 },
    // Every test starts from the server; offline.spec.ts allows them.
    serviceWorkers: 'block',
    screenshot: 'only-on-failure',
    actionTimeout: 60_000,
  },
});
