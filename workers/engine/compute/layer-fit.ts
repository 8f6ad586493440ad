/**
 * Finds what was laid over a picture, at the model's size (docs/architecture.md, "Layer"): of which colours, where,
 * and whether it is a layer at all.
 *
 * Paint of one colour takes every pixel it covers along a line to that colour, so the lines say which colour it is.
 */
import { wordsOf } from '../noise';
import { solveCholesky } from './cholesky';
import {
  bytesOf,
  coverHidden,
  differencesOf,
  labelsOf,
  NOTHING,
  paint,
  pixelsWhere,
  SPECKS,
  UNSURE,
  type Change,
  type Colour,
  type Cover,
  type Differences,
  type Paint,
  type Sketch,
  type Trust,
} from './layer-paint';
import { sampledRow } from './reference/features';
import { blurOf, gradientOf } from './reference/fields';
import { luma } from './reference/lookup';
import type { Folds, Pair } from './table-fit';

const SEED = 1;
/** The least share of the picture that nothing was laid over. */
const BARE = 0.1;
const COLOURS = 3;
const PAIRS = 400;
const HINTS = 100;
const SAMPLE = 1500;
const REFINEMENTS = 4;
/** Lines meet where they come so near, and are not parallel. */
const MISS = 0.05;
const SINE = 0.02;
/** Of the picture: fewer pixels say nothing. */
const FEW = 1 / 1024;
/** Of the strong pixels: a colour that explains fewer is none. */
const SPARSE = 0.02;

// What tells a layer from an edit that leaves part of the picture as it is.
/** The most that a's own lightness may say of where it lies, */
const FORETOLD = 0.4;
/** and its contrast or edges, where it lies on these. */
const STRICTLY = 0.2;
/** The most that both it and its edges may correlate with a's edges, which outlines are drawn along. */
const ALONG = 0.25;
/** Share of what is laid that no colour explains, below which one colour needs no more tests. */
const FLAT = 0.02;
const MOSTLY_BARE = 0.62;
/** Its edges, over those of the picture there. */
const EDGED = 1.3;
/** Correlation of what hides the picture with it. */
const ALIKE = 0.65;
/** How far what is laid lies together: grain does by 0.4 to 0.5, type by 0.8 and more. */
const TOGETHER = 0.65;
const BINS = 16;
/** Half way to the last bin. */
const CONTRAST = 0.05;
const SLOPE = 0.015;
/** Pixels of the mean in every bin. */
const DOUBT = 20;
/** The blur of a, in 1/256 of the image, that its contrast is to. */
const AROUND = 4;

/** What was laid over a picture. */
export interface FoundLayer extends Sketch {
  readonly plausible: boolean;
  /** Whether what hides the picture is something else than the picture. */
  readonly foreign: boolean;
}

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
  const binned = (count: number, share: (i: number) => number): Uint8Array =>
    Uint8Array.from({ length: plane }, (_, i) =>
      Math.min(count - 1, Math.max(0, Math.floor(share(i) * count))),
    );
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

function clamped([r, g, b]: readonly number[]): Colour {
  const clamp = (value: number): number => Math.min(1, Math.max(0, value));
  return [clamp(r), clamp(g), clamp(b)];
}

/** Where the lines of pixels i and j meet, if they do. */
function meeting({ u, a2, width, height }: Change, i: number, j: number): Colour | undefined {
  const plane = width * height;
  const ways = [i, j].map((at) => {
    const d = [0, 1, 2].map((c) => a2[c * plane + at] - u[c * plane + at]);
    const length = Math.max(1e-12, Math.hypot(d[0], d[1], d[2]));
    return d.map((value) => value / length);
  });
  let [along, onOne, onOther] = [0, 0, 0];
  for (let c = 0; c < 3; c++) {
    const apart = u[c * plane + i] - u[c * plane + j];
    along += ways[0][c] * ways[1][c];
    onOne += ways[0][c] * apart;
    onOther += ways[1][c] * apart;
  }
  const sine = 1 - along * along;
  if (sine <= SINE) return undefined;
  const s = (along * onOther - onOne) / sine;
  const t = (onOther - along * onOne) / sine;
  if (s <= 0 || t <= 0) return undefined;
  let miss = 0;
  const middle = [0, 1, 2].map((c) => {
    const p = u[c * plane + i] + s * ways[0][c];
    const q = u[c * plane + j] + t * ways[1][c];
    miss += (p - q) ** 2;
    return (p + q) / 2;
  });
  if (miss >= MISS * MISS || middle.some((value) => value <= -0.03 || value >= 1.03)) return undefined;
  return clamped(middle);
}

/** The colour nearest to the lines of those of `pixels` that it explains. */
function refined(colour: Colour, change: Change, pixels: Uint32Array, near: number): Colour {
  const { u, a2, width, height } = change;
  const plane = width * height;
  const made: Paint = { share: 0, left: 0, far: 0 };
  let best = colour;
  for (let round = 0; round < REFINEMENTS; round++) {
    const matrix = new Float64Array(9);
    const right = new Float64Array(3);
    let total = 0;
    for (const i of pixels) {
      if (paint(change, i, best, made).left >= near) continue;
      const from = [u[i], u[plane + i], u[2 * plane + i]];
      const d = from.map((value, c) => a2[c * plane + i] - value);
      const weight = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      const onLine = d[0] * from[0] + d[1] * from[1] + d[2] * from[2];
      // (weight·I − d dᵀ)(colour − u), summed, is zero.
      total += weight;
      for (let c = 0; c < 3; c++) {
        right[c] += weight * from[c] - d[c] * onLine;
        for (let e = 0; e <= c; e++) matrix[c * 3 + e] -= d[c] * d[e];
      }
    }
    const ridge = 1e-4 * total + 1e-9;
    for (let c = 0; c < 3; c++) {
      matrix[c * 4] += total + ridge;
      right[c] += ridge * best[c];
    }
    const solved = solveCholesky(matrix, right, 3, 1);
    if (solved === undefined) return best;
    best = clamped([...solved]);
  }
  return best;
}

/** Colours that explain `pixels`, each the one that explains the most of what those before it leave. */
function coloursOf(change: Change, pixels: Uint32Array, near: number, few: number): Colour[] {
  const { a2, width, height } = change;
  const plane = width * height;
  const word = wordsOf(SEED);
  const made: Paint = { share: 0, left: 0, far: 0 };
  const explains = (colour: Colour, i: number): boolean => paint(change, i, colour, made).left < near;
  const found: Colour[] = [];
  let free = pixels;
  for (let turn = 0; turn < COLOURS && free.length >= few; turn++) {
    const drawn = Uint32Array.from(
      { length: 2 * PAIRS },
      (_, k) => free[Math.floor((word(2 * PAIRS * turn + k) / 2 ** 32) * free.length)],
    );
    const candidates: Colour[] = [];
    for (let k = 0; k < PAIRS; k++) {
      const colour = meeting(change, drawn[2 * k], drawn[2 * k + 1]);
      if (colour !== undefined) candidates.push(colour);
    }
    for (let k = 0; k < HINTS; k++)
      candidates.push(clamped([0, 1, 2].map((c) => a2[c * plane + drawn[2 * k]])));
    const step = Math.ceil(free.length / SAMPLE);
    const some = free.filter((_, k) => k % step === 0);
    let [best, most] = [candidates[0], -1];
    for (const candidate of candidates) {
      let count = 0;
      for (const i of some) if (explains(candidate, i)) count++;
      if (count > most) [best, most] = [candidate, count];
    }
    const colour = refined(best, change, free, near);
    const rest = free.filter((i) => !explains(colour, i));
    if (free.length - rest.length < SPARSE * pixels.length) break;
    found.push(colour);
    free = rest;
  }
  return found;
}

/** Shares `[S, S]` where they are sure, elsewhere those of pixels near by: means of 2 × 2, and so on, and back. */
function spread(share: Float32Array, weight: Float32Array, size: number): Float32Array {
  const levels = [{ size, sum: share.map((value, i) => value * weight[i]), weight }];
  for (let last = levels[0]; last.size > 4 && last.size % 2 === 0; last = levels[levels.length - 1]) {
    const wide = last.size;
    const half = wide / 2;
    const means = (of: Float32Array): Float32Array<ArrayBuffer> =>
      Float32Array.from({ length: half * half }, (_, i) => {
        const at = 2 * Math.floor(i / half) * wide + 2 * (i % half);
        return (of[at] + of[at + 1] + of[at + wide] + of[at + wide + 1]) / 4;
      });
    levels.push({ size: half, sum: means(last.sum), weight: means(last.weight) });
  }
  const coarsest = levels[levels.length - 1];
  let near: Float32Array = coarsest.sum.map((value, i) => value / (coarsest.weight[i] + 1e-9));
  for (const level of levels.slice(0, -1).reverse())
    near = doubled(near, level.size / 2).map(
      (value, i) => (level.sum[i] + UNSURE * value) / (level.weight[i] + UNSURE),
    );
  return near;
}

/** A plane `[half, half]` at twice the size, bilinear. */
function doubled(plane: Float32Array, half: number): Float32Array {
  const width = 2 * half;
  const out = new Float32Array(width * width);
  for (let y = 0; y < width; y++)
    sampledRow(plane, half, { width, v: (y + 0.5) / width }, out.subarray(y * width, (y + 1) * width));
  return out;
}

/** The colours where they lie: of pixels that none explains, and that are not hidden, the one that covers most. */
function coverOf(
  change: Change,
  differences: Differences,
  labels: Int8Array,
  colours: readonly Colour[],
): Cover {
  const plane = labels.length;
  const cover: Cover = { alpha: new Float32Array(plane), colour: new Float32Array(3 * plane) };
  const made: Paint = { share: 0, left: 0, far: 0 };
  colours.forEach((colour, k) => {
    const mine = labels.map((label) => (label === k || label === NOTHING ? 1 : 0));
    const [share, weight] = [new Float32Array(plane), new Float32Array(plane)];
    mine.forEach((taken, i) => {
      if (taken === 0) return;
      paint(change, i, colour, made);
      const heard = labels[i] === NOTHING ? differences.heard(differences.of[i]) : 1;
      [share[i], weight[i]] = [made.share * heard, made.far];
    });
    spread(share, weight, change.width).forEach((value, i) => {
      if (mine[i] === 0 || value <= cover.alpha[i]) return;
      cover.alpha[i] = value;
      for (let c = 0; c < 3; c++) cover.colour[c * plane + i] = colour[c];
    });
  });
  return cover;
}

/** Whether one of the pixels around i is marked. */
function isBeside(marked: Int8Array, i: number, size: number): boolean {
  const [x, y] = [i % size, Math.floor(i / size)];
  for (let row = Math.max(0, y - 1); row <= Math.min(size - 1, y + 1); row++)
    for (let column = Math.max(0, x - 1); column <= Math.min(size - 1, x + 1); column++)
      if (marked[row * size + column] === 1) return true;
  return false;
}

/**
 * How far what is laid lies together: the share of the eight pixels around that is laid too, weighted by squared
 * differences; 0 where that is chance, 1 where it is all.
 */
function gathered(differences: Float32Array, laid: (i: number) => boolean, size: number): number {
  const clamp = (at: number): number => Math.min(size - 1, Math.max(0, at));
  let [beside, weights, count] = [0, 0, 0];
  for (let i = 0; i < size * size; i++) {
    if (!laid(i)) continue;
    const [x, y] = [i % size, Math.floor(i / size)];
    let around = -1;
    for (let down = -1; down <= 1; down++)
      for (let across = -1; across <= 1; across++)
        if (laid(clamp(y + down) * size + clamp(x + across))) around++;
    const weight = differences[i] ** 2;
    beside += (weight * around) / 8;
    weights += weight;
    count++;
  }
  const chance = count / (size * size);
  return (beside / weights - chance) / (1 - chance);
}

/** The mean difference between neighbours of which one is laid over. */
function edges(planes: Float32Array, laid: (i: number) => boolean, size: number): number {
  const plane = size * size;
  let [sum, count] = [0, 0];
  const look = (i: number, next: number): void => {
    if (laid(i) === laid(next)) return;
    for (let c = 0; c < 3; c++) sum += Math.abs(planes[c * plane + next] - planes[c * plane + i]) / 3;
    count++;
  };
  for (let i = 0; i < plane; i++) {
    if (i % size < size - 1) look(i, i + 1);
    if (i + size < plane) look(i, i + size);
  }
  return sum / Math.max(1, count);
}

/** The correlation of planes of two pictures at some of `plane` pixels, channels together. */
function likeness(one: Float32Array, other: Float32Array, plane: number, pixels: Uint32Array): number {
  let [products, squares, others] = [0, 0, 0];
  for (let c = 0; c < one.length / plane; c++) {
    const mean = (of: Float32Array): number =>
      pixels.reduce((sum, i) => sum + of[c * plane + i], 0) / pixels.length;
    const [x, y] = [mean(one), mean(other)];
    for (const i of pixels) {
      const [dx, dy] = [one[c * plane + i] - x, other[c * plane + i] - y];
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

/** Whether a layer is drawn by a itself, and so none. */
function isDrawn(alpha: Float32Array, signs: Signs): boolean {
  const every = pixelsWhere(alpha.length, () => true);
  const withEdges = (of: Float32Array): number => likeness(of, signs.gradient, alpha.length, every);
  const [on, along] = [withEdges(alpha), withEdges(slopes(alpha))];
  const [lightness, ...others] = foretold(alpha, signs);
  // A caption over a plain sky is foretold too: by the lack of edges, and it is drawn by none. Of what is large and
  // soft, as a shade is, one of the two correlations may be high by chance.
  return lightness > FORETOLD || Math.min(on, along) > ALONG || (on > 0 && Math.max(...others) > STRICTLY);
}

/** What was laid over `u` to make a′, or undefined where that is nothing or everything; width and height are S. */
export function findLayer(change: Change, signs: Signs, trust: Trust): FoundLayer | undefined {
  const { u, a2, width: size } = change;
  const plane = size * size;
  const differences = differencesOf(change, trust);
  const laid = (i: number): boolean => differences.of[i] > differences.laid;
  const strong = pixelsWhere(plane, (i) => differences.of[i] > differences.strong);
  const covered = pixelsWhere(plane, laid).length;
  const bare = 1 - covered / plane;
  const few = FEW * plane;
  if (bare < BARE || strong.length < few) return undefined;

  const colours = coloursOf(change, strong, differences.near, few);
  const labels = labelsOf(change, differences, colours);
  const cover = coverOf(change, differences, labels, colours);
  coverHidden(change, differences, labels, cover);

  const made: Paint = { share: 0, left: 0, far: 0 };
  const painted = labels.map((k, i) =>
    k >= 0 && paint(change, i, colours[k], made).left < differences.near ? 1 : 0,
  );
  const unexplained = pixelsWhere(plane, (i) => differences.of[i] > differences.near && painted[i] === 0);
  const mixed = trust.mixed && gathered(differences.of, laid, size) > TOGETHER;
  const hidden = mixed ? unexplained.filter((i) => !isBeside(painted, i, size)) : unexplained;
  const shareHidden = hidden.length / covered;
  const foreign = shareHidden <= SPECKS || Math.abs(likeness(u, a2, plane, hidden)) <= ALIKE;
  const oneColour = colours.length === 1 && unexplained.length <= FLAT * covered;
  const near = (i: number, colour: Colour): boolean =>
    colour.every((value, c) => Math.abs(a2[c * plane + i] - value) < differences.near);
  const shared =
    pixelsWhere(plane, (i) => !laid(i) && colours.some((colour) => near(i, colour))).length /
    (plane - covered);
  const plausible =
    shareHidden <= trust.hidden &&
    shared <= trust.shared &&
    (oneColour ||
      (bare >= MOSTLY_BARE && foreign && edges(a2, laid, size) >= EDGED * edges(u, laid, size))) &&
    !isDrawn(cover.alpha, signs);
  return { data: bytesOf(cover), colours, labels, trust, plausible, foreign };
}
