/** `npm run bench` and `npm run guard`: measurements, kept out of the tests. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: {
    environment: 'node',
    include: ['workers/bench/testing/{bench,guard}.ts'],
    fileParallelism: false,
  },
});
