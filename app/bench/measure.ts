/** One run of the benchmark in a worker of its own, which ends with it. */
import { proxy, releaseProxy, wrap } from 'comlink';
import type { BenchApi, BenchResult, Part } from '../../workers/bench/results';
import type { Outcome } from '../../workers/engine/protocol';
import { text } from '../i18n';

export interface Running {
  readonly outcome: Promise<Outcome<BenchResult>>;
  stop(): void;
}

export function measure(rounds: number, onPart: (part: Part) => void): Running {
  const worker = new Worker(new URL('../../workers/bench/worker.ts', import.meta.url), { type: 'module' });
  const api = wrap<BenchApi>(worker);
  const died = new Promise<Outcome<BenchResult>>((resolve) => {
    worker.addEventListener('error', (event) => {
      const error = { code: 'engine/failed', ...text.bench.crashed, cause: event.message } as const;
      resolve({ ok: false, aborted: false, error });
    });
  });
  let stop = (): void => undefined;
  const stopped = new Promise<Outcome<BenchResult>>((resolve) => {
    stop = () => resolve({ ok: false, aborted: true });
  });
  const outcome = Promise.race([api.measure(rounds, proxy(onPart)), died, stopped]).finally(() => {
    // Held until here: a collected proxy drops the call in flight.
    api[releaseProxy]();
    worker.terminate();
  });
  return { outcome, stop: () => stop() };
}
