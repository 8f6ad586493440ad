/** The WASM backend's other threads, which render a large picture with the engine's own. */
import * as Comlink from 'comlink';
import type { Helpers } from './compute/bands';
import type { Helper } from './helper-worker';

/** `count` workers, started at the first render that asks for help. */
export function startHelpers(count: number): Helpers {
  let workers: Worker[] | undefined;
  const start = (): Worker =>
    new Worker(new URL('./helper-worker.ts', import.meta.url), { type: 'module', name: 'helper' });
  return {
    async help(job, bands) {
      workers ??= Array.from({ length: count }, start);
      await Promise.all(
        workers.map((worker) => {
          // One that cannot start takes no band, and the others render them all.
          const failed = new Promise<void>((resolve) => {
            worker.addEventListener('error', () => resolve(), { once: true });
          });
          return Promise.race([Comlink.wrap<Helper>(worker).help(job, bands), failed]);
        }),
      );
    },
    dispose() {
      for (const worker of workers ?? []) worker.terminate();
      workers = undefined;
    },
  };
}
