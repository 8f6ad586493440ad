/**
 * Finds what filtered a picture at its own size (docs/architecture.md, "Kernel"): sharpening, softening and shaking of a
 * few pixels, of which the means of pixels that everything else looks at know nothing.
 */
import { cornersIn, overWhite, type Area } from '../image/planes';
import type { RgbaImage } from '../protocol';
import { addProducts, solveCholesky } from './cholesky';
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
/** The pixels around one, in a square: the kernel's taps without the middle. */
const AROUND = Array.from({ length: TAPS }, (_, k) => k).filter((k) => k !== MIDDLE);
const OFFSETS = AROUND.map(
  (k) => (Math.floor(k / KERNEL_SIDE) - KERNEL_RADIUS) * SIDE + (k % KERNEL_SIDE) - KERNEL_RADIUS,
);
/** 1, r, g, b and their products: what becomes of a pixel itself. */
const POINTS = 10;
const UNKNOWNS = POINTS + AROUND.length;
const RIDGE = 1e-6;
/** After them the luma of a′, of which all is a sum. */
const COLUMNS = UNKNOWNS + 1;
/** The most that a kernel may leave of what a pixel itself leaves, and the least that this leaves (50 dB). */
const WORTHWHILE = 0.5;
/** The same of every fourth pixel, which are enough to say that there is none if they are so many. */
const HOPEFUL = 0.6;
const ENOUGH = 10 * UNKNOWNS;
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

/** A square's pixels of both, planes `[3, 64, 64]`. */
interface Square {
  readonly own: Float32Array;
  readonly edited: Float32Array;
}

/** Sums of products of unknowns and luma of a′, `[91, 91]`, the lower half: the first column sums pixels and colours. */
type Sums = Float64Array;

function lumaOf(planes: Float32Array): Float64Array {
  const plane = planes.length / 3;
  const out = new Float64Array(plane);
  for (let i = 0; i < plane; i++) out[i] = luma(planes[i], planes[plane + i], planes[2 * plane + i]);
  return out;
}

/** The squares of a with most detail, by the mean difference of neighbours. */
function squaresOf(a: RgbaImage): Area[] {
  const detailOf = ({ x, y }: Area): number => {
    let detail = 0;
    for (let row = y; row < y + SIDE; row++) {
      for (let column = x + 1; column < x + SIDE; column++) {
        const at = 4 * (row * a.width + column) + 1;
        detail += Math.abs(a.data[at] - a.data[at - 4]);
      }
    }
    return detail;
  };
  return cornersIn(a, SIDE, PLACES)
    .map((corner) => ({ ...corner, width: SIDE, height: SIDE }))
    .map((area) => ({ area, detail: detailOf(area) }))
    .sort((one, other) => other.detail - one.detail)
    .slice(0, SQUARES)
    .map(({ area }) => area);
}

/** Adds the pixels of a square, of every `step`-th row and column, but for those that a kernel would look beyond it for. */
function addSquare(sums: Sums, { own, edited }: Square, step: number): void {
  const [light, target] = [lumaOf(own), lumaOf(edited)];
  const plane = SIDE * SIDE;
  const rows = new Float64Array(COLUMNS * SIDE);
  const cutOff = (value: number): boolean => value <= DARKEST || value >= LIGHTEST;
  for (let i = KERNEL_RADIUS; i < SIDE - KERNEL_RADIUS; i += step) {
    let count = 0;
    for (let j = KERNEL_RADIUS; j < SIDE - KERNEL_RADIUS; j += step) {
      const at = i * SIDE + j;
      if (cutOff(edited[at]) || cutOff(edited[plane + at]) || cutOff(edited[2 * plane + at])) continue;
      const to = count * COLUMNS;
      const [r, g, b] = [own[at], own[plane + at], own[2 * plane + at]];
      rows.set([1, r, g, b, r * r, g * g, b * b, r * g, r * b, g * b], to);
      for (let k = 0; k < OFFSETS.length; k++) rows[to + POINTS + k] = light[at + OFFSETS[k]] - light[at];
      rows[to + UNKNOWNS] = target[at];
      count++;
    }
    addProducts(sums, rows, count, COLUMNS);
  }
}

/** The least squares of the first `count` unknowns. */
function solved(sums: Sums, count: number): Float64Array | undefined {
  const pixels = sums[0];
  const matrix = new Float64Array(count * count);
  for (let m = 0; m < count; m++) {
    for (let n = 0; n <= m; n++) matrix[m * count + n] = sums[m * COLUMNS + n] / pixels;
    matrix[m * count + m] += RIDGE;
  }
  const last = UNKNOWNS * COLUMNS;
  const right = sums.slice(last, last + count).map((value) => value / pixels);
  return solveCholesky(matrix, right, count, 1);
}

/** Mean squared error of weights. */
function errorOf(sums: Sums, weights: Float64Array): number {
  const last = UNKNOWNS * COLUMNS;
  let error = sums[last + UNKNOWNS];
  weights.forEach((weight, m) => {
    let fitted = weight * sums[m * COLUMNS + m];
    for (let n = 0; n < m; n++) fitted += 2 * weights[n] * sums[m * COLUMNS + n];
    error += weight * (fitted - 2 * sums[last + m]);
  });
  return Math.max(0, error) / sums[0];
}

/** Of every `step`-th row and column of the squares that are fitted to, and of those held out. */
function sumsOf(squares: readonly Square[], step: number): { readonly shown: Sums; readonly held: Sums } {
  const [shown, held] = [new Float64Array(COLUMNS ** 2), new Float64Array(COLUMNS ** 2)];
  squares.forEach((square, k) => addSquare(k % HELD_OUT === 0 ? held : shown, square, step));
  return { shown, held };
}

/** The least squares of all unknowns, if they leave at most `share` of what is held out. */
function fitted({ shown, held }: ReturnType<typeof sumsOf>, share: number): Float64Array | undefined {
  const [alone, weights] = [solved(shown, POINTS), solved(shown, UNKNOWNS)];
  if (alone === undefined || weights === undefined || held[0] === 0) return undefined;
  const before = errorOf(held, alone);
  return before < NOTHING || errorOf(held, weights) > share * before ? undefined : weights;
}

/** The kernel that a′ is a function of a filtered with, or undefined where pixels on their own say as much. */
export function fitKernel(whole: Whole): Kernel | undefined {
  if (Math.min(whole.a.width, whole.a.height) < SIDE) return undefined;
  const squares = squaresOf(whole.a).map((area) => ({
    own: overWhite(whole.a, area),
    edited: overWhite(whole.a2, area),
  }));
  const few = sumsOf(squares, 2);
  if (few.shown[0] >= ENOUGH && fitted(few, HOPEFUL) === undefined) return undefined;
  const all = sumsOf(squares, 1);
  const { shown } = all;
  const weights = fitted(all, WORTHWHILE);
  if (weights === undefined) return undefined;
  const [r, g, b] = [1, 2, 3].map((c) => shown[c * COLUMNS] / shown[0]);
  const slopes = [1, 1, 1, 2 * r, 2 * g, 2 * b, r + g, r + b, g + b];
  const slope = slopes.reduce((sum, value, k) => sum + value * weights[1 + k], 0);
  if (Math.abs(slope) < FLAT) return undefined;
  const kernel = new Float32Array(TAPS);
  let rest = 1;
  AROUND.forEach((k, i) => {
    const share = weights[POINTS + i] / slope;
    if (Math.abs(share) < LEAST) return;
    kernel[k] = share;
    rest -= share;
  });
  kernel[MIDDLE] = rest;
  return { kernel };
}
