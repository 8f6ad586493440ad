/**
 * Finds what filtered a picture at its own size (docs/architecture.md, "Kernel"): sharpening, softening and shaking of a
 * few pixels, of which the means of pixels that everything else looks at know nothing.
 */
import { overWhite } from '../image/planes';
import type { RgbaImage } from '../protocol';
import { solveCholesky } from './cholesky';
import { KERNEL_RADIUS, KERNEL_SIDE, type Kernel } from './compute';
import { luma } from './reference/lookup';

/** Pixels along a side of the squares that are looked at, and places along an axis that they are chosen of. */
const SIDE = 64;
const PLACES = 6;
const SQUARES = 9;
/** Every third is not fitted to, and says how good the others' kernel is. */
const HELD_OUT = 3;
const TAPS = KERNEL_SIDE * KERNEL_SIDE;
const MIDDLE = (TAPS - 1) / 2;
/** 1, r, g, b and their products: what becomes of a pixel itself. */
const POINTS = 10;
const UNKNOWNS = POINTS + TAPS - 1;
const RIDGE = 1e-6;
/** The most that a kernel may leave of what a pixel itself leaves, and the least that this leaves (50 dB). */
const WORTHWHILE = 0.5;
const NOTHING = 1e-5;
/** A kernel's shares below this are left out: none of them shows in a byte. */
const LEAST = 5e-4;
/** Of a′: what is cut off there is not what a kernel made. */
const DARKEST = 1 / 255;
const LIGHTEST = 254 / 255;
/** How much lighter a′ is where a is lighter: below this, what is left of a is its edges alone. */
const FLAT = 0.2;

interface Whole {
  readonly a: RgbaImage;
  readonly a2: RgbaImage;
}

/** Normal equations of the luma of a′, and how many pixels they are of. */
interface Sums {
  readonly matrix: Float64Array;
  readonly right: Float64Array;
  square: number;
  pixels: number;
  /** Of each colour, for what becomes of a pixel that is a little lighter. */
  readonly colours: Float64Array;
}

function emptySums(): Sums {
  const colours = new Float64Array(3);
  return {
    matrix: new Float64Array(UNKNOWNS ** 2),
    right: new Float64Array(UNKNOWNS),
    square: 0,
    pixels: 0,
    colours,
  };
}

function lumaOf(planes: Float32Array): Float64Array {
  const plane = planes.length / 3;
  return Float64Array.from({ length: plane }, (_, i) =>
    luma(planes[i], planes[plane + i], planes[2 * plane + i]),
  );
}

/** The squares of a with most detail, by the mean difference of neighbours, as corners in pixels. */
function squaresOf({ width, height, data }: RgbaImage): readonly (readonly [number, number])[] {
  const along = (length: number): number[] =>
    Array.from({ length: PLACES }, (_, k) => Math.round((k * (length - SIDE)) / (PLACES - 1)));
  const all = along(height).flatMap((top) =>
    along(width).map((left) => {
      let detail = 0;
      for (let y = top; y < top + SIDE; y++) {
        for (let x = left + 1; x < left + SIDE; x++) {
          const at = 4 * (y * width + x) + 1;
          detail += Math.abs(data[at] - data[at - 4]);
        }
      }
      return { corner: [left, top] as const, detail };
    }),
  );
  return all
    .sort((one, other) => other.detail - one.detail)
    .slice(0, SQUARES)
    .map(({ corner }) => corner);
}

/** Adds the pixels of a square of both, but for those that a kernel would look beyond it for. */
function addSquare(sums: Sums, { a, a2 }: Whole, [x, y]: readonly [number, number]): void {
  const area = { x, y, width: SIDE, height: SIDE };
  const own = overWhite(a, area);
  const edited = overWhite(a2, area);
  const [light, target] = [lumaOf(own), lumaOf(edited)];
  const plane = SIDE * SIDE;
  const row = new Float64Array(UNKNOWNS);
  for (let i = KERNEL_RADIUS; i < SIDE - KERNEL_RADIUS; i++) {
    for (let j = KERNEL_RADIUS; j < SIDE - KERNEL_RADIUS; j++) {
      const at = i * SIDE + j;
      const made = [edited[at], edited[plane + at], edited[2 * plane + at]];
      if (Math.min(...made) <= DARKEST || Math.max(...made) >= LIGHTEST) continue;
      const [r, g, b] = [own[at], own[plane + at], own[2 * plane + at]];
      row.set([1, r, g, b, r * r, g * g, b * b, r * g, r * b, g * b]);
      for (let k = 0, to = POINTS; k < TAPS; k++) {
        if (k === MIDDLE) continue;
        const [down, across] = [
          Math.floor(k / KERNEL_SIDE) - KERNEL_RADIUS,
          (k % KERNEL_SIDE) - KERNEL_RADIUS,
        ];
        row[to++] = light[at + down * SIDE + across] - light[at];
      }
      for (let m = 0; m < UNKNOWNS; m++) {
        const value = row[m];
        const line = m * UNKNOWNS;
        for (let n = 0; n <= m; n++) sums.matrix[line + n] += value * row[n];
        sums.right[m] += value * target[at];
      }
      sums.square += target[at] ** 2;
      sums.pixels += 1;
      [r, g, b].forEach((value, c) => (sums.colours[c] += value));
    }
  }
}

/** The least squares of the first `count` unknowns. */
function solved(sums: Sums, count: number): Float64Array | undefined {
  const matrix = new Float64Array(count * count);
  for (let m = 0; m < count; m++) {
    for (let n = 0; n <= m; n++) {
      const value = sums.matrix[m * UNKNOWNS + n] / sums.pixels;
      matrix[m * count + n] = matrix[n * count + m] = value;
    }
    matrix[m * count + m] += RIDGE;
  }
  return solveCholesky(
    matrix,
    sums.right.slice(0, count).map((value) => value / sums.pixels),
    count,
    1,
  );
}

/** Mean squared error of weights. */
function errorOf({ matrix, right, square, pixels }: Sums, weights: Float64Array): number {
  let error = square;
  weights.forEach((weight, m) => {
    let fitted = weight * matrix[m * UNKNOWNS + m];
    for (let n = 0; n < m; n++) fitted += 2 * weights[n] * matrix[m * UNKNOWNS + n];
    error += weight * (fitted - 2 * right[m]);
  });
  return Math.max(0, error) / pixels;
}

/** The kernel that a′ is a function of a filtered with, or undefined where pixels on their own say as much. */
export function fitKernel(whole: Whole): Kernel | undefined {
  if (Math.min(whole.a.width, whole.a.height) < SIDE) return undefined;
  const [shown, held] = [emptySums(), emptySums()];
  squaresOf(whole.a).forEach((corner, k) => addSquare(k % HELD_OUT === 0 ? held : shown, whole, corner));
  const [alone, weights] = [solved(shown, POINTS), solved(shown, UNKNOWNS)];
  if (alone === undefined || weights === undefined || held.pixels === 0) return undefined;
  const before = errorOf(held, alone);
  if (before < NOTHING || errorOf(held, weights) > WORTHWHILE * before) return undefined;
  const [r, g, b] = [...shown.colours].map((sum) => sum / shown.pixels);
  const slopes = [1, 1, 1, 2 * r, 2 * g, 2 * b, r + g, r + b, g + b];
  const slope = slopes.reduce((sum, value, k) => sum + value * weights[1 + k], 0);
  if (Math.abs(slope) < FLAT) return undefined;
  const kernel = new Float32Array(TAPS);
  let rest = 1;
  for (let k = 0, from = POINTS; k < TAPS; k++) {
    if (k === MIDDLE) continue;
    const share = weights[from++] / slope;
    if (Math.abs(share) < LEAST) continue;
    kernel[k] = share;
    rest -= share;
  }
  kernel[MIDDLE] = rest;
  return { kernel };
}
