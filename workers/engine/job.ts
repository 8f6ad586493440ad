/** One call in progress: true phases, timings, and the places where it can be cancelled. */
import { throwIfAborted } from './errors';
import type { LoadPhase, OnProgress, RunPhase } from './protocol';
import type { Runtime } from './runtime';

/**
 * Lets waiting messages, `cancel` above all, be delivered; awaiting a promise alone does not. It queues behind them
 * as one itself: a timer takes a millisecond or, nested as these are, four.
 */
export function yieldToMessages(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

export interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** Of a call that nobody cancels or watches. */
export const unwatched: Hooks = { signal: new AbortController().signal, onProgress: () => undefined };

export function reportLoad(hooks: Hooks, phase: LoadPhase, done: number, total: number): void {
  hooks.onProgress({ kind: 'load', phase, done, total });
}

export class Job {
  readonly timings: Partial<Record<RunPhase, number>> = {};

  constructor(
    readonly hooks: Hooks,
    private readonly runtime: Pick<Runtime<unknown>, 'check' | 'settle'>,
  ) {}

  /** Throws when the job was cancelled or the device is gone. */
  async checkpoint(): Promise<void> {
    await yieldToMessages();
    this.runtime.check();
    throwIfAborted(this.hooks.signal);
  }

  /**
   * Runs one phase of `total` units; `work` reports the units in between. Its time in
   * milliseconds includes waiting for the GPU to finish it.
   */
  async phase<T>(
    name: RunPhase,
    total: number,
    work: (report: (done: number) => void) => Promise<T>,
  ): Promise<T> {
    const report = (done: number): void => this.hooks.onProgress({ kind: 'run', phase: name, done, total });
    await this.checkpoint();
    report(0);
    const start = performance.now();
    const value = await work(report);
    await this.runtime.settle();
    this.timings[name] = (this.timings[name] ?? 0) + performance.now() - start;
    report(total);
    return value;
  }
}
