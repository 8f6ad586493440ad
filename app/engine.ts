/**
 * The page's end of the engine worker. One worker and one comlink proxy, held for the worker's
 * life (a collected proxy drops calls in flight). Every call has a job id; an AbortSignal becomes
 * `cancel(job)`, and if the job does not end within the grace period the worker is terminated.
 * A worker that crashed is replaced at the next call; the pack must then be loaded again.
 */
import { proxy, releaseProxy, wrap, type Remote } from 'comlink';
import type {
  Coefficients,
  Diagnostics,
  EngineApi,
  EngineError,
  EngineOptions,
  OnProgress,
  Outcome,
  PackInfo,
  RunOptions,
  RunResult,
  Triplet,
} from '../workers/engine/protocol';
import { deferred } from './deferred';

/** What the engine needs of a Worker, so that tests can give a message port. */
export type EngineWorker = Pick<
  Worker,
  'addEventListener' | 'removeEventListener' | 'postMessage' | 'terminate'
>;

export interface EngineSetup {
  readonly spawn: () => EngineWorker;
  readonly packUrl: () => string;
  readonly options: EngineOptions;
  /** Milliseconds a cancelled job may take to end before the worker is terminated. */
  readonly grace: number;
}

interface Live {
  readonly worker: EngineWorker;
  readonly api: Remote<EngineApi>;
  /** Resolves once if the worker dies. */
  readonly death: Promise<EngineError | undefined>;
  readonly die: (error: EngineError | undefined) => void;
  pack: PackInfo | undefined;
}

const ABORTED = { ok: false, aborted: true } as const;
const silent: OnProgress = () => undefined;

function failed(cause: unknown): EngineError {
  return {
    code: 'engine/failed',
    message: 'The part of the page that computes stopped unexpectedly.',
    remedy:
      'Your pictures are still here. Try again; if it happens again, use fewer steps or a smaller picture.',
    cause: cause instanceof Error ? cause.message : String(cause),
  };
}

export class Engine {
  #live: Live | undefined;
  #jobs = 0;

  constructor(private readonly setup: EngineSetup) {}

  /** The pack that is loaded now. */
  get pack(): PackInfo | undefined {
    return this.#live?.pack;
  }

  get started(): boolean {
    return this.#live !== undefined;
  }

  async load(signal: AbortSignal, onProgress: OnProgress): Promise<Outcome<PackInfo>> {
    const live = this.#start();
    if (live.pack) return { ok: true, value: live.pack };
    const outcome = await this.#call(signal, onProgress, (api, job, report) =>
      api.load(job, this.setup.packUrl(), this.setup.options, report),
    );
    if (outcome.ok) live.pack = outcome.value;
    return outcome;
  }

  inspect(image: Blob): Promise<Outcome<{ width: number; height: number }>> {
    return this.#call(undefined, silent, (api) => api.inspect(image));
  }

  /**
   * Reads a triplet, so that its run has less left to do. However long it takes to end once it is cancelled,
   * the worker lives on: nobody waits for it.
   */
  encode(signal: AbortSignal, triplet: Triplet, onProgress: OnProgress): Promise<Outcome<Coefficients>> {
    return this.#call(signal, onProgress, (api, job, report) => api.encode(job, triplet, report), Infinity);
  }

  run(
    signal: AbortSignal,
    triplet: Triplet,
    options: RunOptions,
    onProgress: OnProgress,
  ): Promise<Outcome<RunResult>> {
    return this.#call(signal, onProgress, (api, job, report) => api.run(job, triplet, options, report));
  }

  rerender(
    signal: AbortSignal,
    options: Pick<RunOptions, 'strength' | 'maxSide'>,
    onProgress: OnProgress,
  ): Promise<Outcome<RunResult>> {
    return this.#call(signal, onProgress, (api, job, report) => api.rerender(job, options, report));
  }

  /** undefined when no worker was started, or when it does not answer. */
  async diagnostics(): Promise<Diagnostics | undefined> {
    if (!this.#live) return undefined;
    const outcome = await this.#call(undefined, silent, async (api) => ({
      ok: true,
      value: await api.diagnostics(),
    }));
    return outcome.ok ? outcome.value : undefined;
  }

  /** End the worker at once; calls in flight end as aborted, or with `error`. */
  terminate(error?: EngineError): void {
    const live = this.#live;
    if (!live) return;
    this.#live = undefined;
    live.api[releaseProxy]();
    live.worker.terminate();
    live.die(error);
  }

  #start(): Live {
    if (this.#live) return this.#live;
    const worker = this.setup.spawn();
    const { promise: death, resolve: die } = deferred<EngineError | undefined>();
    const live: Live = { worker, api: wrap<EngineApi>(worker), death, die, pack: undefined };
    const crash = (event: Event): void => {
      event.preventDefault();
      if (this.#live === live) this.terminate(failed('message' in event ? event.message : event.type));
    };
    worker.addEventListener('error', crash);
    worker.addEventListener('messageerror', crash);
    this.#live = live;
    return live;
  }

  async #call<T>(
    signal: AbortSignal | undefined,
    onProgress: OnProgress,
    invoke: (api: Remote<EngineApi>, job: number, report: OnProgress) => Promise<Outcome<T>>,
    patience = this.setup.grace,
  ): Promise<Outcome<T>> {
    if (signal?.aborted) return ABORTED;
    const live = this.#start();
    const job = ++this.#jobs;
    let over = false;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const cancel = (): void => {
      void live.api.cancel(job);
      if (patience === Infinity) return;
      grace = setTimeout(() => {
        if (!over && this.#live === live) this.terminate();
      }, patience);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    // Progress has its own port, so a last message may come after the answer: drop it.
    const report = proxy<OnProgress>((progress) => {
      if (!over && !signal?.aborted) onProgress(progress);
    });
    try {
      return await Promise.race([
        invoke(live.api, job, report),
        live.death.then((error): Outcome<T> => (error ? { ok: false, aborted: false, error } : ABORTED)),
      ]);
    } catch (cause) {
      return { ok: false, aborted: false, error: failed(cause) };
    } finally {
      over = true;
      clearTimeout(grace);
      signal?.removeEventListener('abort', cancel);
    }
  }
}

export function createEngine(options: EngineOptions): Engine {
  return new Engine({
    spawn: () =>
      new Worker(new URL('../workers/engine/worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
    packUrl: () => new URL('packs/studio/', document.baseURI).href,
    options,
    grace: 6000,
  });
}
