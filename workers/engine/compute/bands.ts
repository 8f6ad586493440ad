/** b′ at full size by bands of rows, which threads take one after another from a shared counter. */
import { rowRenderer, type RenderJob } from './reference/render';

/** Pixels of a band: some tenths of a second, after which a thread can be stopped. */
const BAND_PIXELS = 1 << 18;

/** What the threads of one render share. */
export interface Bands {
  /** The bytes of b′, RGBA. */
  readonly out: Uint8ClampedArray;
  /** The first row that nobody has taken, and how many are done. */
  readonly rows: Int32Array;
}

export function bandsOf(
  { width, height }: RenderJob,
  Buffer: ArrayBufferConstructor | SharedArrayBufferConstructor,
): Bands {
  return { out: new Uint8ClampedArray(new Buffer(width * height * 4)), rows: new Int32Array(new Buffer(8)) };
}

/** Renders bands until none is left; after each it yields how many rows are done, by whomever. */
export function* renderBands(job: RenderJob, { out, rows }: Bands): Generator<number, void> {
  const { width, height } = job;
  const band = Math.max(1, Math.floor(BAND_PIXELS / width));
  const render = rowRenderer(job);
  for (;;) {
    const first = Atomics.add(rows, 0, band);
    if (first >= height) return;
    const end = Math.min(height, first + band);
    render(first, end, out);
    yield Atomics.add(rows, 1, end - first) + end - first;
  }
}

/** No band is given out any more. */
export function stopBands({ rows }: Bands, { height }: RenderJob): void {
  Atomics.store(rows, 0, height);
}

export function rowsDone({ rows }: Bands): number {
  return Atomics.load(rows, 1);
}

/** Other threads, which take bands of a render too. */
export interface Helpers {
  /** Settles when every one has stopped; what became of them is in the bands. Both are of shared memory. */
  help(job: RenderJob, bands: Bands): Promise<void>;
  dispose(): void;
}
