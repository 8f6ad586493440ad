/** The worker's surface: every call goes through one queue and comes back as an outcome. */
import { EngineFailure, toOutcome } from './errors';
import type { Engine } from './engine';
import type { Hooks } from './job';
import type { Diagnostics, EngineApi, EngineError, EngineOptions, Outcome, RunReport } from './protocol';
import { JobQueue } from './queue';

/** The world outside the engine, so that the API can be tested without a browser. */
export interface ApiDependencies {
  open(packUrl: string, options: EngineOptions, hooks: Hooks): Promise<Engine>;
  inspect(image: Blob): Promise<{ width: number; height: number }>;
  environment(): Promise<
    Pick<Diagnostics, 'userAgent' | 'crossOriginIsolated' | 'threads' | 'webgpu' | 'fetched'>
  >;
}

interface Source {
  readonly packUrl: string;
  readonly options: EngineOptions;
}

export function createApi({ open, inspect, environment }: ApiDependencies): EngineApi {
  const queue = new JobQueue();
  let engine: Engine | undefined;
  /** The last pack that loaded, to open it again when the device was lost. */
  let source: Source | undefined;
  let lastError: EngineError | undefined;
  let lastReport: RunReport | undefined;

  async function close(): Promise<void> {
    const before = engine;
    engine = undefined;
    // What a lost device holds cannot always be given back properly; that must not stop a new one.
    await before?.dispose().catch(() => undefined);
  }

  async function reopen(next: Source, hooks: Hooks): Promise<Engine> {
    await close();
    engine = await open(next.packUrl, next.options, hooks);
    source = next;
    return engine;
  }

  /** The engine, opened again when its device was lost or another pack failed to load. */
  async function ready(hooks: Hooks): Promise<Engine> {
    if (engine !== undefined && !engine.failed) return engine;
    if (source === undefined) {
      throw new EngineFailure('engine/not-loaded', 'No pack is loaded yet.', 'Load a pack first.');
    }
    return reopen(source, hooks);
  }

  async function remember<T>(outcome: Promise<Outcome<T>>): Promise<Outcome<T>> {
    const settled = await outcome;
    if (!settled.ok && !settled.aborted) lastError = settled.error;
    return settled;
  }

  return {
    load: (job, packUrl, options, onProgress) =>
      remember(
        queue.add(job, async (signal) => {
          const opened = await reopen({ packUrl, options }, { signal, onProgress });
          return opened.info;
        }),
      ),

    inspect: (image) => remember(toOutcome(() => inspect(image))),

    encode: (job, triplet, onProgress) =>
      remember(
        queue.add(job, async (signal) => {
          const hooks = { signal, onProgress };
          return (await ready(hooks)).encode(triplet, hooks);
        }),
      ),

    run: (job, triplet, options, onProgress) =>
      remember(
        queue.add(job, async (signal) => {
          const hooks = { signal, onProgress };
          const result = await (await ready(hooks)).run(triplet, options, hooks);
          lastReport = result.report;
          return result;
        }),
      ),

    rerender: (job, options, onProgress) =>
      remember(
        queue.add(job, async (signal) => {
          const hooks = { signal, onProgress };
          return (await ready(hooks)).rerender(options, hooks);
        }),
      ),

    cancel: (job) => queue.cancel(job),

    async diagnostics() {
      return { ...(await environment()), pack: engine?.info, lastError, lastReport };
    },

    async dispose() {
      queue.cancelAll();
      await queue.idle();
      await close();
      source = undefined;
    },
  };
}
