/** Failures inside the engine are thrown as these two and leave it only as `Outcome` data. */
import type { EngineError, ErrorCode, Outcome } from './protocol';

/** A failure that already knows what to tell the person. */
export class EngineFailure extends Error {
  readonly detail: EngineError;

  constructor(code: ErrorCode, message: string, remedy: string, cause?: unknown) {
    super(`${code}: ${message}`);
    this.name = 'EngineFailure';
    this.detail =
      cause === undefined ? { code, message, remedy } : { code, message, remedy, cause: textOf(cause) };
  }
}

/** The caller cancelled; not an error and never shown. */
export class Aborted extends Error {
  constructor() {
    super('aborted');
    this.name = 'Aborted';
  }
}

/** The text of anything that was thrown. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof EngineFailure) return thrown.detail.cause ?? thrown.detail.message;
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  return String(thrown);
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new Aborted();
}

// What engines, ORT and WebGPU say when memory runs out; none of them has a common error type.
const MEMORY =
  /out of memory|bad_alloc|array buffer allocation|invalid (typed )?array(buffer)? length|GPUOutOfMemoryError|failed to allocate|memory access out of bounds.*grow/i;

export function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineFailure) return thrown.detail;
  const cause = textOf(thrown);
  if (MEMORY.test(cause)) {
    return {
      code: 'engine/out-of-memory',
      message: 'There was not enough memory to finish.',
      remedy: 'Close other tabs or programs, or ask for a smaller result, and try again.',
      cause,
    };
  }
  return {
    code: 'engine/failed',
    message: 'Something went wrong inside the engine.',
    remedy: 'Try again; if it happens again, copy the diagnostics and report it.',
    cause,
  };
}

/**
 * Settles to an outcome, never rejects. Only `Aborted` is an abort: WebGPU also throws an
 * `AbortError`, when a device is lost while a buffer is being read.
 */
export async function toOutcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (thrown) {
    if (thrown instanceof Aborted) return { ok: false, aborted: true };
    return { ok: false, aborted: false, error: asEngineError(thrown) };
  }
}
