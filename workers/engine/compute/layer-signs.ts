/** Whether what looks like a layer is drawn by the picture itself (docs/architecture.md, "Is it one?"). */
import { pixelsWhere } from './layer-paint';
import { sampledRow } from './reference/features';
import { blurOf, gradientOf } from './reference/fields';
import { luma } from './reference/lookup';
import type { Folds, Pair } from './table-fit';

/** The most that a's own lightness may say of where it lies, */
const FORETOLD = 0.4;
/** and its contrast or edges, where it lies on these. */
const STRICTLY = 0.2;
/** The most that both it and its edges may correlate with a's edges, which outlines are drawn along. */
const ALONG = 0.25;
/** Of the variance of a shade: the least that its place says, and the most that a's lightness may. */
const SHADE = 0.95;
const OF_A = 0.75;
/** Means of so many pixels along an axis. */
const PLACES = 16;
const BINS = 16;
/** Half way to the last bin. */
const CONTRAST = 0.05;
const SLOPE = 0.015;
/** Pixels of the mean in every bin. */
const DOUBT = 20;
/** The blur of a, in 1/256 of the image, that its contrast is to. */
const AROUND = 4;

/** What a layer would be drawn by if it were none: a's lightness, contrast and edges, as numbers of bins. */
export interface Signs {
  readonly bins: readonly Uint8Array[];
  readonly folds: Folds;
  /** The length of a's gradient. */
  readonly gradient: Float32Array;
}

export function signsOf({ a, fields, size }: Omit<Pair, 'a2'>, folds: Folds): Signs {
  const plane = size * size;
  const around = blurOf(fields, size, AROUND);
  const gradient = gradientOf(fields, size);
  const at = (planes: Float32Array, i: number): number =>
    luma(planes[i], planes[plane + i], planes[2 * plane + i]);
  const binned = (count: number, share: (i: number) => number): Uint8Array => {
    const bins = new Uint8Array(plane);
    for (let i = 0; i < plane; i++) bins[i] = Math.min(count - 1, Math.max(0, Math.floor(share(i) * count)));
    return bins;
  };
  const contrast = (off: number): number => 0.5 + (0.5 * off) / (Math.abs(off) + CONTRAST);
  return {
    folds,
    gradient,
    bins: [
      binned(4 * BINS, (i) => at(a, i)),
      binned(BINS, (i) => contrast(at(a, i) - at(around, i))),
      binned(BINS, (i) => gradient[i] / (gradient[i] + SLOPE)),
    ],
  };
}

/** How much of the variance of `alpha` a table of each sign says, in folds that the table was not made of. */
function foretold(alpha: Float32Array, { bins, folds }: Signs): readonly number[] {
  const mean = alpha.reduce((sum, value) => sum + value, 0) / alpha.length;
  const varies = alpha.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return bins.map((bin) => {
    const sums = Array.from({ length: folds.count }, () => new Float64Array(4 * BINS));
    const counts = Array.from({ length: folds.count }, () => new Float64Array(4 * BINS));
    alpha.forEach((value, i) => {
      sums[folds.of[i]][bin[i]] += value;
      counts[folds.of[i]][bin[i]] += 1;
    });
    const others = (of: readonly Float64Array[], fold: number): Float64Array =>
      of[0].map((_, k) => of.reduce((sum, table, other) => (other === fold ? sum : sum + table[k]), 0));
    const tables = sums.map((_, fold) => {
      const [sum, count] = [others(sums, fold), others(counts, fold)];
      const all = sum.reduce((x, y) => x + y, 0) / count.reduce((x, y) => x + y, 0);
      return sum.map((value, k) => (value + DOUBT * all) / (count[k] + DOUBT));
    });
    const error = alpha.reduce((sum, value, i) => sum + (value - tables[folds.of[i]][bin[i]]) ** 2, 0);
    return 1 - error / Math.max(1e-9, varies);
  });
}

/**
 * Whether `alpha` is soft: its means of 16 × 16 pixels, linear between their middles, say most of its variance, all by
 * the weights `shown`.
 */
export function isShade(alpha: Float32Array, shown: Float32Array): boolean {
  const size = Math.sqrt(alpha.length);
  const places = Math.floor(size / PLACES);
  const all = shown.reduce((sum, weight) => sum + weight, 0);
  const mean = alpha.reduce((sum, value, i) => sum + value * shown[i], 0) / Math.max(1e-9, all);
  const [sums, weights] = [new Float64Array(places * places), new Float64Array(places * places)];
  alpha.forEach((value, i) => {
    const place = Math.floor(i / size / PLACES) * places + Math.floor((i % size) / PLACES);
    sums[place] += (value - mean) * shown[i];
    weights[place] += shown[i];
  });
  const means = Float32Array.from(sums, (sum, k) => sum / Math.max(1e-9, weights[k]));
  const told = new Float32Array(alpha.length);
  for (let y = 0; y < size; y++) {
    const row = told.subarray(y * size, (y + 1) * size);
    sampledRow(means, places, { width: size, v: (y + 0.5) / size }, row);
  }
  let [off, varies] = [0, 0];
  alpha.forEach((value, i) => {
    off += shown[i] * (value - mean - told[i]) ** 2;
    varies += shown[i] * (value - mean) ** 2;
  });
  return off <= (1 - SHADE) * varies;
}

/** The correlation of planes of two pictures at some of `plane` pixels, channels together. */
export function likeness(one: Float32Array, other: Float32Array, plane: number, pixels: Uint32Array): number {
  let [products, squares, others] = [0, 0, 0];
  for (let c = 0; c < one.length / plane; c++) {
    const mean = (of: Float32Array): number =>
      pixels.reduce((sum, i) => sum + of[c * plane + i], 0) / pixels.length;
    const [x, y] = [mean(one), mean(other)];
    for (const i of pixels) {
      const dx = one[c * plane + i] - x;
      const dy = other[c * plane + i] - y;
      products += dx * dy;
      squares += dx * dx;
      others += dy * dy;
    }
  }
  return products / Math.max(1e-9, Math.sqrt(squares * others));
}

/** How far each of a plane `[S, S]` is from its four neighbours, together. */
function slopes(alpha: Float32Array): Float32Array {
  const size = Math.sqrt(alpha.length);
  const out = new Float32Array(alpha.length);
  const add = (i: number, next: number): void => {
    const apart = Math.abs(alpha[next] - alpha[i]);
    out[i] += apart;
    out[next] += apart;
  };
  for (let i = 0; i < alpha.length; i++) {
    if (i % size < size - 1) add(i, i + 1);
    if (i + size < alpha.length) add(i, i + size);
  }
  return out;
}

/** Whether a layer, a `soft` shade or not, is drawn by a itself, and so none. */
export function isDrawn(alpha: Float32Array, signs: Signs, soft: boolean): boolean {
  const [lightness, ...others] = foretold(alpha, signs);
  if (soft) return lightness > OF_A;
  const every = pixelsWhere(alpha.length, () => true);
  const withEdges = (of: Float32Array): number => likeness(of, signs.gradient, alpha.length, every);
  const [on, along] = [withEdges(alpha), withEdges(slopes(alpha))];
  // A caption over a plain sky is foretold too: by the lack of edges, and it is drawn by none. Of what is large and
  // soft, as a shade is, one of the two correlations may be high by chance.
  return lightness > FORETOLD || Math.min(on, along) > ALONG || (on > 0 && Math.max(...others) > STRICTLY);
}
