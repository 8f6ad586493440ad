/**
 * Screens too fine for one pixel in so many (docs/architecture.md, "Screen"): looked for in a square of a pair's own
 * pixels, where their dots are.
 */
import type { RgbaImage } from '../protocol';
import type { Screen } from './compute';
import { BLUR_SIGMAS, blurOf, FEATURE_BLURS, FIELDS } from './reference/fields';
import { luma } from './reference/lookup';
import { spanAt } from './reference/source';
import { errorOfScreen, fitScreen, type Sampled } from './screen-fit';
import { noWeights, SCREENED, TONED, type AnchorFit } from './still-fit';

/** Pixels along a side of the square. */
const SIDE = 256;
/** Places that are tried for it, along an axis. */
const PLACES = 5;
/** A screen of which a cycle has fewer of the pixels that were sampled than this is looked for again. */
const COARSE = 8;
/** The most that one that is found again may leave of what it left. */
const BETTER = 0.8;

type Whole = Readonly<Record<'a' | 'a2', RgbaImage>>;

/** Variance of the luma of `soft` `[3, S, S]` within a square, all in parts of the picture. */
function varietyOf(soft: Float32Array, size: number, { left, top, width, height }: Sampled['span']): number {
  const plane = size * size;
  let [sum, squares, count] = [0, 0, 0];
  for (let y = Math.floor(top * size); y < Math.ceil((top + height) * size); y++) {
    for (let x = Math.floor(left * size); x < Math.ceil((left + width) * size); x++) {
      const i = y * size + x;
      const value = luma(soft[i], soft[plane + i], soft[2 * plane + i]);
      sum += value;
      squares += value * value;
      count++;
    }
  }
  return squares / count - (sum / count) ** 2;
}

/** Pixels of a square of an image over white, `[3, side, side]`. */
function pixelsIn(
  { data, width }: RgbaImage,
  x0: number,
  y0: number,
  side: number,
): Float32Array<ArrayBuffer> {
  const plane = side * side;
  const out = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    const at = 4 * ((y0 + Math.floor(i / side)) * width + x0 + (i % side));
    const alpha = data[at + 3] / 255;
    for (let c = 0; c < 3; c++) out[c * plane + i] = (data[at + c] / 255) * alpha + 1 - alpha;
  }
  return out;
}

/** Planes `[3, S, S]` sampled bilinearly at the pixels of a square. */
function sampledIn(
  planes: Float32Array,
  size: number,
  { side, span }: Pick<Sampled, 'side' | 'span'>,
): Float32Array {
  const out = new Float32Array(3 * side * side);
  const across = Array.from({ length: side }, (_, i) =>
    spanAt(span.left + (span.width * (i + 0.5)) / side, size, { low: 0, high: 0, rest: 0 }),
  );
  const down = { low: 0, high: 0, rest: 0 };
  for (let c = 0, at = 0; c < 3; c++) {
    for (let y = 0; y < side; y++) {
      spanAt(span.top + (span.height * (y + 0.5)) / side, size, down);
      const [above, below] = [(c * size + down.low) * size, (c * size + down.high) * size];
      for (const { low, high, rest } of across) {
        const one = planes[above + low] * (1 - rest) + planes[above + high] * rest;
        const other = planes[below + low] * (1 - rest) + planes[below + high] * rest;
        out[at++] = one * (1 - down.rest) + other * down.rest;
      }
    }
  }
  return out;
}

/** The square of a pair in which a has most tones. */
function squareOf({ a, a2 }: Whole, fields: Float32Array, size: number): Sampled {
  const { width, height } = a;
  const side = Math.min(SIDE, width, height);
  const softest = blurOf(fields, size, BLUR_SIGMAS[FEATURE_BLURS - 1]);
  const along = (length: number): number[] =>
    Array.from({ length: PLACES }, (_, k) => Math.round((k * (length - side)) / (PLACES - 1)));
  const squares = along(height).flatMap((y) =>
    along(width).map((x) => {
      const span = { left: x / width, top: y / height, width: side / width, height: side / height };
      return { x, y, span, variety: varietyOf(softest, size, span) };
    }),
  );
  const { x, y, span } = squares.reduce((best, each) => (each.variety > best.variety ? each : best));
  return {
    side,
    a: pixelsIn(a, x, y, side),
    a2: pixelsIn(a2, x, y, side),
    soft: BLUR_SIGMAS.slice(0, FEATURE_BLURS).map((sigma) =>
      sampledIn(blurOf(fields, size, sigma), size, { side, span }),
    ),
    span,
    cells: undefined,
  };
}

/** The most cycles of a screen's in a picture, along an axis. */
function finestOf({ lattice }: Screen): number {
  return lattice.reduce((most, frequency) => Math.max(most, Math.abs(frequency)), 0);
}

/**
 * `fit`, or a screen that is found in a square of the pair's own pixels, where these may show a finer one or the same
 * better; `fields` are those of the prepared a, `[18, S, S]`.
 */
export function withFineScreen(fit: AnchorFit, whole: Whole, fields: Float32Array): AnchorFit {
  const size = Math.sqrt(fields.length / FIELDS);
  if (Math.min(whole.a.width, whole.a.height) <= size) return fit;
  const { screen } = fit;
  if (screen === undefined ? fit.score <= TONED : finestOf(screen) < size / COARSE) return fit;
  const square = squareOf(whole, fields, size);
  // What samples of it show of a screen may be its moiré, of which its own pixels know nothing.
  const left = screen === undefined ? fit.score : errorOfScreen(square, screen);
  const found = fitScreen(square, (screen === undefined ? SCREENED : BETTER) * left);
  return found === undefined ? fit : { name: found.screen.kind, weights: noWeights(), ...found };
}
