/**
 * Scores and solves the anchor's local lookups (docs/architecture.md, "Local lookup"): bilinear between 16 × 16
 * knots of a value and of its bent difference from what is around it.
 */
import { LOCAL_KINDS, LOOKUP_KNOTS, type LocalKind, type Luma } from './compute';
import { SLOPE } from './lookup-fit';
import { blurOf } from './reference/fields';
import { localIndices, LOCAL_SIDE, sharesIndices, sigmaOf, type Indices } from './reference/local';
import {
  bestRidge,
  emptySums,
  fullTable,
  heldOut,
  ownError,
  penaltyOf,
  type Folds,
  type Pair,
  type ScoredLookup,
  type Square,
  type Sums,
} from './table-fit';

const LAST = LOCAL_SIDE - 1;
/** A bend along the value joins knots that are two rows apart. */
const WIDTH = 2 * LOCAL_SIDE;

/** Bends and twists squared and SLOPE slopes squared. */
function* curvature(): Generator<Square> {
  for (let knot = 0; knot < LOOKUP_KNOTS; knot++) {
    const [i, j] = [Math.floor(knot / LOCAL_SIDE), knot % LOCAL_SIDE];
    for (const [place, step] of [
      [i, LOCAL_SIDE],
      [j, 1],
    ] as const) {
      const [next, second] = [knot + step, knot + 2 * step];
      if (place < LAST) yield { weight: SLOPE, terms: [[knot, -1], [next, 1]] }; // prettier-ignore
      if (place < LAST - 1) yield { weight: 1, terms: [[knot, 1], [next, -2], [second, 1]] }; // prettier-ignore
    }
    const down = knot + LOCAL_SIDE;
    if (i < LAST && j < LAST)
      yield { weight: 2, terms: [[knot, 1], [knot + 1, -1], [down, -1], [down + 1, 1]] }; // prettier-ignore
  }
}
const PENALTY = penaltyOf(curvature(), WIDTH);

/** The sums of the channels in `edited`, which share their indices, over the pixels of each fold. */
export function localSums([value, off]: Indices, edited: readonly Float32Array[], folds: Folds): Sums[] {
  const columns = edited.length;
  const sums = Array.from({ length: folds.count }, () => emptySums(WIDTH, columns));
  const row = WIDTH + 1;
  const down = LOCAL_SIDE * row;
  for (let p = 0; p < value.length; p++) {
    const fold = sums[folds.of[p]];
    const { bands, right } = fold;
    const i = Math.min(LAST - 1, Math.floor(value[p] * LAST));
    const j = Math.min(LAST - 1, Math.floor(off[p] * LAST));
    const s = value[p] * LAST - i;
    const t = off[p] * LAST - j;
    // The knots around, by rows: w00 w01, w10 w11. Written out, since this runs for every pixel.
    const w00 = (1 - s) * (1 - t);
    const w01 = (1 - s) * t;
    const w10 = s * (1 - t);
    const w11 = s * t;
    const first = i * LOCAL_SIDE + j;
    const at = first * row;
    bands[at] += w00 * w00;
    bands[at + 1] += w00 * w01;
    bands[at + LOCAL_SIDE] += w00 * w10;
    bands[at + LOCAL_SIDE + 1] += w00 * w11;
    bands[at + row] += w01 * w01;
    bands[at + row + LOCAL_SIDE - 1] += w01 * w10;
    bands[at + row + LOCAL_SIDE] += w01 * w11;
    bands[at + down] += w10 * w10;
    bands[at + down + 1] += w10 * w11;
    bands[at + down + row] += w11 * w11;
    for (let c = 0; c < columns; c++) {
      const y = edited[c][p] - value[p];
      const to = first * columns + c;
      right[to] += w00 * y;
      right[to + columns] += w01 * y;
      right[to + LOCAL_SIDE * columns] += w10 * y;
      right[to + (LOCAL_SIDE + 1) * columns] += w11 * y;
      fold.square += y * y;
    }
    fold.pixels += 1;
  }
  return sums;
}

/** Systems of one kind: one of three channels by luma, one for each channel otherwise. */
function systemsOf(kind: LocalKind, luma: Luma, { a, a2, fields, size }: Pair, folds: Folds): Sums[][] {
  const pixels = a2.length / 3;
  const edited = [0, 1, 2].map((c) => a2.subarray(c * pixels, (c + 1) * pixels));
  const indices = localIndices(kind, luma, a, blurOf(fields, size, sigmaOf(kind)));
  return indices.map((of, c) => localSums(of, indices.length === 1 ? edited : [edited[c]], folds));
}

/** Every second pixel each way of planes `[k, S, S]`. */
function thinned(planes: Float32Array, size: number): Float32Array {
  const side = Math.ceil(size / 2);
  const channels = planes.length / (size * size);
  const out = new Float32Array(channels * side * side);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < size; y += 2) {
      const row = (c * size + y) * size;
      for (let x = 0; x < size; x += 2) out[at++] = planes[row + x];
    }
  }
  return out;
}

/** The kind of least mean squared error on the very pixels it is fitted to, and that error. */
function firstLook(
  kinds: readonly LocalKind[],
  luma: Luma,
  pair: Pair,
  ridge: number,
): { readonly kind: LocalKind; readonly error: number } {
  const whole = { of: new Uint8Array(pair.size ** 2), count: 1 };
  const errors = kinds.map((kind) => {
    const systems = systemsOf(kind, luma, pair, whole).map(([sums]) => sums);
    return ownError(systems, PENALTY, ridge) / pair.a2.length;
  });
  const error = Math.min(...errors);
  return { kind: kinds[errors.indexOf(error)], error };
}

/**
 * The best local lookup: of either sort the kind that does best at a quarter of the pixels, of these the one
 * with the better score, with the best ridge. Undefined where that is above `bound`.
 */
export function scoreLocal(
  luma: Luma,
  pair: Pair,
  folds: Folds,
  ridges: readonly number[],
  bound: number,
): (ScoredLookup & { readonly kind: LocalKind }) | undefined {
  const { size } = pair;
  const middle = ridges[Math.floor(ridges.length / 2)];
  const [a, a2, fields] = [pair.a, pair.a2, pair.fields].map((planes) => thinned(planes, size));
  const few: Pair = { a, a2, fields, size: Math.ceil(size / 2) };
  const sorts = [true, false].map((shared) => LOCAL_KINDS.filter((kind) => sharesIndices(kind) === shared));
  const finalists = sorts
    .map((kinds) => firstLook(kinds, luma, few, middle))
    .filter(({ error }) => error <= bound)
    .map(({ kind }) => {
      const systems = systemsOf(kind, luma, pair, folds);
      const error = heldOut(systems, PENALTY);
      return { kind, systems, error, first: error(middle) };
    })
    .sort((one, other) => one.first - other.first);
  if (finalists.length === 0) return undefined;
  const [{ kind, systems, error }] = finalists;
  const best = bestRidge(error, ridges);
  const score = Math.max(0, best.error) / (3 * size * size);
  if (score > bound) return undefined;
  return {
    kind,
    score,
    ridge: best.ridge,
    solve() {
      const value = (knot: number): number => Math.floor(knot / LOCAL_SIDE) / LAST;
      return { kind, luma, table: fullTable(systems, PENALTY, best.ridge, value) };
    },
  };
}
