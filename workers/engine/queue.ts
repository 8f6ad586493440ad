/** One FIFO for session creation and GPU work: two of either at once hang or fail in ONNX Runtime. */
import { Aborted, toOutcome } from './errors';
import type { Outcome } from './protocol';

interface Entry {
  readonly controller: AbortController;
  /** Resolves when the job is aborted while it still waits. */
  readonly leave: () => void;
  started: boolean;
}

export class JobQueue {
  #tail: Promise<unknown> = Promise.resolve();
  readonly #entries = new Map<number, Entry>();

  /**
   * Runs `work` after everything added before it. A failure becomes an outcome, so it never
   * poisons the next job. `work` must look at the signal between its steps.
   */
  add<T>(job: number, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> {
    const controller = new AbortController();
    return new Promise((resolve) => {
      const entry: Entry = {
        controller,
        leave: () => resolve({ ok: false, aborted: true }),
        started: false,
      };
      this.#entries.set(job, entry);
      this.#tail = this.#tail.then(async () => {
        entry.started = true;
        const outcome = await toOutcome(async () => {
          if (controller.signal.aborted) throw new Aborted();
          const value = await work(controller.signal);
          return value;
        });
        if (this.#entries.get(job) === entry) this.#entries.delete(job);
        resolve(outcome);
      });
    });
  }

  /** Ends the job at its next checkpoint; at once when it still waits. Unknown ids are ignored. */
  cancel(job: number): void {
    const entry = this.#entries.get(job);
    if (entry === undefined) return;
    entry.controller.abort();
    if (!entry.started) {
      this.#entries.delete(job);
      entry.leave();
    }
  }

  cancelAll(): void {
    for (const job of this.#entries.keys()) this.cancel(job);
  }

  /** Resolves when everything added so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
