/**
 * Scores and solves the anchor's hue lookup (docs/architecture.md, "Hue lookup"): a table of 24 hues by 9 lightnesses and
 * weights, together, in double precision.
 */
import { ANCHOR_FEATURES, HUES, LIGHTS, type Anchor } from './compute';
import { solveCholesky } from './cholesky';
import { SLOPE } from './lookup-fit';
import { rowOf } from './reference/anchor';
import { featureRow, type Row } from './reference/features';
import { hueAt, noPlace } from './reference/hue';
import { planarSource } from './reference/source';
import type { Folds, Means, Square } from './table-fit';

const KNOTS = HUES * LIGHTS;
/** Weights of 1, r, g and b, which go on best to hues that a lacks, or, where these leave too much, of *tone*. */
const WEIGHTS = [4, 22] as const;
const FEATURES = WEIGHTS[1];
/** The table's, then the weights. */
const UNKNOWNS = KNOTS + FEATURES;
/** What a value other than 0 costs beside a bend: hues that a lacks are left to the weights. */
const SMALL = 0.1;
/** The ridge of the first look. */
const FIRST_RIDGE = 1e-6;

const knot = (hue: number, light: number): number => (hue % HUES) * LIGHTS + light;

/** Bends and twists squared, SLOPE slopes squared, SMALL values squared; hues go round. */
function* curvature(): Generator<Square> {
  for (let h = 0; h < HUES; h++) {
    for (let l = 0; l < LIGHTS; l++) {
      const [here, next, second] = [knot(h, l), knot(h + 1, l), knot(h + 2, l)];
      yield { weight: SMALL, terms: [[here, 1]] };
      yield { weight: SLOPE, terms: [[here, -1], [next, 1]] }; // prettier-ignore
      yield { weight: 1, terms: [[here, 1], [next, -2], [second, 1]] }; // prettier-ignore
      if (l === LIGHTS - 1) continue;
      yield { weight: SLOPE, terms: [[here, -1], [here + 1, 1]] }; // prettier-ignore
      yield { weight: 2, terms: [[here, 1], [here + 1, -1], [next, -1], [next + 1, 1]] }; // prettier-ignore
      if (l < LIGHTS - 2) yield { weight: 1, terms: [[here, 1], [here + 1, -2], [here + 2, 1]] }; // prettier-ignore
    }
  }
}

/** The lower half of what the unknowns cost, `[238, 238]`: the table's curvature, and weights squared but that of 1. */
function penalty(): Float64Array {
  const matrix = new Float64Array(UNKNOWNS * UNKNOWNS);
  for (let i = KNOTS + 1; i < UNKNOWNS; i++) matrix[i * UNKNOWNS + i] = 1;
  for (const { weight, terms } of curvature())
    for (const [i, one] of terms)
      for (const [j, other] of terms) if (i >= j) matrix[i * UNKNOWNS + j] += weight * one * other;
  return matrix;
}
const PENALTY = penalty();

/** Normal equations, of which `matrix` has the lower half. */
interface Sums {
  readonly matrix: Float64Array;
  /** `[238, 3]` */
  readonly right: Float64Array;
  square: number;
  pixels: number;
}

function noSums(): Sums {
  const matrix = new Float64Array(UNKNOWNS * UNKNOWNS);
  return { matrix, right: new Float64Array(UNKNOWNS * 3), square: 0, pixels: 0 };
}

/** Adds the sums of `from`, so many times. */
function add(into: Sums, from: Sums, times: number): void {
  for (let i = 0; i < into.matrix.length; i++) into.matrix[i] += times * from.matrix[i];
  for (let i = 0; i < into.right.length; i++) into.right[i] += times * from.right[i];
  into.square += times * from.square;
  into.pixels += times * from.pixels;
}

function total(parts: readonly Sums[]): Sums {
  const all = noSums();
  for (const part of parts) add(all, part, 1);
  return all;
}

/** Of the pixels of each fold, of every `step`-th each way. */
function sumsOf({ a, a2, size }: Means, folds: Folds, step: number): Sums[] {
  const sums = Array.from({ length: folds.count }, noSums);
  const source = planarSource(a, size, size);
  const line = new Float32Array(size);
  // Of a row of pixels the features, and of a pixel its knots, what these weigh, and what is to be explained.
  const features = new Float64Array(size * FEATURES);
  const knots = new Int32Array(4);
  const weights = new Float64Array(4);
  const edit = new Float64Array(3);
  const place = noPlace();
  for (let y = 0; y < size; y += step) {
    const colours = rowOf(a, size, y);
    const [r, g, b] = colours;
    const edited = rowOf(a2, size, y);
    const row: Row = { width: size, v: (y + 0.5) / size, colours, source };
    for (let f = 0; f < FEATURES; f++) {
      featureRow(f, row, line);
      for (let x = 0; x < size; x += step) features[x * FEATURES + f] = line[x];
    }
    for (let x = 0; x < size; x += step) {
      const fold = sums[folds.of[y * size + x]];
      fold.pixels++;
      for (let c = 0; c < 3; c++) {
        edit[c] = edited[c][x] - colours[c][x];
        fold.square += edit[c] * edit[c];
      }
      addFeatures(fold, features, x * FEATURES, edit);
      hueAt(r[x], g[x], b[x], place);
      if (place.chroma === 0) continue;
      knots[0] = place.before;
      knots[1] = place.before + 1;
      knots[2] = place.after;
      knots[3] = place.after + 1;
      weights[0] = place.chroma * (1 - place.hue) * (1 - place.light);
      weights[1] = place.chroma * (1 - place.hue) * place.light;
      weights[2] = place.chroma * place.hue * (1 - place.light);
      weights[3] = place.chroma * place.hue * place.light;
      addKnots(fold, features, x * FEATURES, knots, weights, edit);
    }
  }
  return sums;
}

function addFeatures(
  { matrix, right }: Sums,
  features: Float64Array,
  from: number,
  edit: Float64Array,
): void {
  for (let f = 0; f < FEATURES; f++) {
    const own = features[from + f];
    const row = (KNOTS + f) * UNKNOWNS + KNOTS;
    for (let g = 0; g <= f; g++) matrix[row + g] += own * features[from + g];
    for (let c = 0; c < 3; c++) right[(KNOTS + f) * 3 + c] += own * edit[c];
  }
}

function addKnots(
  { matrix, right }: Sums,
  features: Float64Array,
  from: number,
  knots: Int32Array,
  weights: Float64Array,
  edit: Float64Array,
): void {
  for (let k = 0; k < 4; k++) {
    const own = weights[k];
    const at = knots[k];
    for (let j = 0; j <= k; j++) {
      const other = knots[j];
      matrix[Math.max(at, other) * UNKNOWNS + Math.min(at, other)] += own * weights[j];
    }
    for (let f = 0; f < FEATURES; f++) matrix[(KNOTS + f) * UNKNOWNS + at] += own * features[from + f];
    for (let c = 0; c < 3; c++) right[at * 3 + c] += own * edit[c];
  }
}

/** The first `size` unknowns, `[size, 3]`, or undefined where the system is not positive definite. */
function solve({ matrix, right, pixels }: Sums, size: number, ridge: number): Float64Array | undefined {
  const system = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const at = i * UNKNOWNS + j;
      system[i * size + j] = matrix[at] / pixels + ridge * PENALTY[at];
    }
  }
  const asked = right.subarray(0, size * 3).map((value) => value / pixels);
  return solveCholesky(system, asked, size, 3);
}

/** What `found` leaves of the pixels that are summed; all of it where there is no solution. */
function left({ matrix, right, square }: Sums, found: Float64Array | undefined): number {
  if (found === undefined) return Infinity;
  let error = square;
  for (let i = 0; 3 * i < found.length; i++) {
    const row = i * UNKNOWNS;
    for (let c = 0; c < 3; c++) {
      let made = 0;
      for (let j = 0; j < i; j++) made += matrix[row + j] * found[j * 3 + c];
      const own = found[i * 3 + c];
      error += own * (2 * made + matrix[row + i] * own - 2 * right[i * 3 + c]);
    }
  }
  return error;
}

/**
 * The anchor that is a hue lookup on top of weights, with its cross-validated mean squared error, or undefined where that
 * is above `bounds`: on weights of 1, r, g and b, and on those of *tone*.
 */
export function fitHue(
  pair: Means,
  folds: Folds,
  ridges: readonly number[],
  bounds: readonly number[],
): (Required<Pick<Anchor, 'weights' | 'lookup'>> & { readonly score: number }) | undefined {
  const few = total(sumsOf(pair, folds, 2));
  if (left(few, solve(few, UNKNOWNS, FIRST_RIDGE)) > 3 * few.pixels * Math.max(...bounds)) return undefined;
  const sums = sumsOf(pair, folds, 1);
  const all = total(sums);
  const kept = sums.map((fold) => {
    const others = noSums();
    add(others, all, 1);
    add(others, fold, -1);
    return others;
  });
  for (const [k, count] of WEIGHTS.entries()) {
    const size = KNOTS + count;
    let best = { error: Infinity, ridge: ridges[0] };
    for (const ridge of ridges) {
      const error = sums.reduce((sum, fold, held) => sum + left(fold, solve(kept[held], size, ridge)), 0);
      if (error <= best.error) best = { error, ridge };
    }
    const score = Math.max(0, best.error) / (3 * all.pixels);
    const found = score <= bounds[k] ? solve(all, size, best.ridge) : undefined;
    if (found === undefined) continue;
    const weights = new Float32Array(ANCHOR_FEATURES * 3);
    weights.set(found.subarray(KNOTS * 3));
    return {
      score,
      weights,
      lookup: { kind: 'hue', table: Float32Array.from(found.subarray(0, KNOTS * 3)) },
    };
  }
  return undefined;
}
