/** For Python, which starts one file of it by name: a run of the engine, no test of its own. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: {
    environment: 'node',
    include: ['workers/engine/testing/*-run.ts'],
  },
});
