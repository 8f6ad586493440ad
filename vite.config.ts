import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { configDefaults, defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The first browsers with light-dark(), which must reach them as written: the theme is set at run time. */
const CSS_TARGET = ['chrome123', 'edge123', 'firefox120', 'safari17.5'];

/** Cross-origin isolation, for WASM threads; the service worker sets the same on static hosts. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * Serves ONNX Runtime's own pairs of .mjs and .wasm from public/ort (not in the repository), so
 * that the engine picks one at run time and the bundle holds none.
 */
function runtimeFiles(): Plugin {
  const builds = ['', '.asyncify', '.jspi'];
  return {
    name: 'likewise:runtime-files',
    config() {
      mkdirSync(here('public/ort'), { recursive: true });
      for (const build of builds) {
        for (const kind of ['mjs', 'wasm']) {
          const file = `ort-wasm-simd-threaded${build}.${kind}`;
          const from = here(`node_modules/onnxruntime-web/dist/${file}`);
          const to = here(`public/ort/${file}`);
          if (statSync(to, { throwIfNoEntry: false })?.size !== statSync(from).size) copyFileSync(from, to);
        }
      }
    },
  };
}

export default defineConfig({
  root: 'app',
  publicDir: '../public',
  base: './',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: CSS_TARGET,
    assetsInlineLimit: 0,
    // How long plugins took is no news to whoever runs `npm start`.
    rolldownOptions: {
      input: { index: here('app/index.html'), bench: here('app/bench.html') },
      checks: { pluginTimings: false },
    },
  },
  worker: { format: 'es' },
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  server: { headers },
  preview: { headers },
  test: {
    root: here('.'),
    include: ['app/**/*.test.ts', 'workers/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'e2e/**', 'training/**'],
    // A limit ends what hangs, it does not measure: a fit that takes two seconds takes ten beside other work.
    testTimeout: 120_000,
  },
  plugins: [
    runtimeFiles(),
    react(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: '../workers',
      filename: 'sw.ts',
      injectRegister: false,
      manifest: false,
      devOptions: { enabled: false },
      injectManifest: {
        globPatterns: [
          '**/*.{html,js,mjs,css,svg,png,jpg,md,webmanifest,woff2,json,wasm,onnx,bin,safetensors}',
        ],
        maximumFileSizeToCacheInBytes: 128 * 1024 * 1024,
        dontCacheBustURLsMatching: /assets\/.*-[\w-]{8}\./,
      },
    }),
  ],
});
