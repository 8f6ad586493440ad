/** Bundles gpu.ts into one file that needs nothing but Node, Dawn's package and ONNX Runtime's files beside it. */
import { fileURLToPath } from 'node:url';
import { defaultServerConditions, defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  publicDir: false,
  logLevel: 'warn',
  build: {
    ssr: 'workers/bench/testing/gpu.ts',
    outDir: 'node_modules/.cache/bench',
    target: 'node20',
    rolldownOptions: { output: { entryFileNames: 'gpu.mjs', codeSplitting: false } },
  },
  ssr: { noExternal: true, external: ['webgpu'] },
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultServerConditions] },
});
