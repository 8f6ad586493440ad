/** The WASM backend's other threads, which render a large picture with the engine's own. */
import * as Comlink from 'comlink';
import type { Helpers } from './compute/bands';
import type { Helper } from './helper-worker';

interface Thread {
  readonly worker: Worker;
  /** Kept as long as the worker: once it is collected as garbage, the worker listens no more. */
  readonly remote: Comlink.Remote<Helper>;
  /** Settles if the worker cannot start, or dies. */
  readonly failed: Promise<void>;
}

function startThread(): Thread {
  const worker = new Worker(new URL('./helper-worker.ts', import.meta.url), {
    type: 'module',
    name: 'helper',
  });
  const failed = new Promise<void>((resolve) => {
    worker.addEventListener('error', () => resolve());
  });
  return { worker, remote: Comlink.wrap<Helper>(worker), failed };
}

/** `count` workers, started at the first render that asks for help. */
export function startHelpers(count: number): Helpers {
  let threads: readonly Thread[] = [];
  return {
    async help(job, bands) {
      if (threads.length === 0) threads = Array.from({ length: count }, startThread);
      // One that cannot start takes no band, and the others render them all.
      await Promise.all(threads.map(({ remote, failed }) => Promise.race([remote.help(job, bands), failed])));
    },
    dispose() {
      for (const { worker } of threads) worker.terminate();
      threads = [];
    },
  };
}
