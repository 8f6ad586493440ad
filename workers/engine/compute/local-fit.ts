/**
 * Scores and solves the anchor's local lookups (docs/architecture.md, "Local lookup"): bilinear between 16 × 16
 * knots of a value and of its bent difference from what is around it.
 */
import { LOCAL_KINDS, LOOKUP_KNOTS, type LocalKind } from './compute';
import { SLOPE } from './lookup-fit';
import { localIndices, LOCAL_SIDE, type Indices } from './reference/local';
import {
  bestRidge,
  emptySums,
  fullTable,
  heldOut,
  type Folds,
  type Pair,
  type Penalty,
  type ScoredLookup,
  type Sums,
} from './table-fit';

const LAST = LOCAL_SIDE - 1;
/** A bend along the value joins knots that are two rows apart. */
const WIDTH = 2 * LOCAL_SIDE;

/** Bends and twists squared and SLOPE slopes squared. */
function curvature(): Penalty {
  const bands = new Float64Array(LOOKUP_KNOTS * (WIDTH + 1));
  const add = (first: number, taps: readonly (readonly [number, number])[], weight: number): void => {
    for (const [at, one] of taps)
      for (const [to, other] of taps)
        if (to >= at) bands[(first + at) * (WIDTH + 1) + to - at] += weight * one * other;
  };
  for (let i = 0; i < LOCAL_SIDE; i++) {
    for (let j = 0; j < LOCAL_SIDE; j++) {
      const knot = i * LOCAL_SIDE + j;
      for (const [step, place] of [
        [LOCAL_SIDE, i],
        [1, j],
      ] as const) {
        if (place < LAST) add(knot, [[0, -1], [step, 1]], SLOPE); // prettier-ignore
        if (place < LAST - 1) add(knot, [[0, 1], [step, -2], [2 * step, 1]], 1); // prettier-ignore
      }
      if (i < LAST && j < LAST)
        add(knot, [[0, 1], [1, -1], [LOCAL_SIDE, -1], [LOCAL_SIDE + 1, 1]], 2); // prettier-ignore
    }
  }
  return { bands, width: WIDTH };
}
const PENALTY = curvature();

/** The sums of the channels in `edited`, which share their indices, over the pixels of each fold. */
export function localSums([value, off]: Indices, edited: readonly Float32Array[], folds: Folds): Sums[] {
  const columns = edited.length;
  const sums = Array.from({ length: folds.count }, () => emptySums(WIDTH, columns));
  const corners = [0, 1, LOCAL_SIDE, LOCAL_SIDE + 1];
  const weights = new Float64Array(4);
  for (let p = 0; p < value.length; p++) {
    const fold = sums[folds.of[p]];
    const [down, across] = [value[p] * LAST, off[p] * LAST];
    const [i, j] = [Math.min(LAST - 1, Math.floor(down)), Math.min(LAST - 1, Math.floor(across))];
    const [s, t] = [down - i, across - j];
    const first = i * LOCAL_SIDE + j;
    weights[0] = (1 - s) * (1 - t);
    weights[1] = (1 - s) * t;
    weights[2] = s * (1 - t);
    weights[3] = s * t;
    for (let m = 0; m < 4; m++) {
      const row = (first + corners[m]) * (WIDTH + 1) - corners[m];
      for (let n = m; n < 4; n++) fold.bands[row + corners[n]] += weights[m] * weights[n];
    }
    for (let c = 0; c < columns; c++) {
      const y = edited[c][p] - value[p];
      for (let m = 0; m < 4; m++) fold.right[(first + corners[m]) * columns + c] += weights[m] * y;
      fold.square += y * y;
    }
    fold.pixels += 1;
  }
  return sums;
}

/** Systems of the pair: one of three channels by luma, one for each channel otherwise. */
function systemsOf(kind: LocalKind, { a, a2, prepared, size }: Pair, folds: Folds): Sums[][] {
  const plane = size * size;
  const edited = [0, 1, 2].map((c) => a2.subarray(c * plane, (c + 1) * plane));
  const indices = localIndices(kind, a, prepared, size);
  return indices.map((of, c) => localSums(of, indices.length === 1 ? edited : [edited[c]], folds));
}

/** The best kind with the middle ridge, and then of the ridges the best for it. */
export function scoreLocal(
  pair: Pair,
  folds: Folds,
  ridges: readonly number[],
): ScoredLookup & { kind: LocalKind } {
  const middle = ridges[Math.floor(ridges.length / 2)];
  const [best] = LOCAL_KINDS.map((kind) => {
    const systems = systemsOf(kind, pair, folds);
    const error = heldOut(systems, PENALTY);
    return { kind, systems, error, first: error(middle) };
  }).sort((one, other) => one.first - other.first);
  const { kind, systems } = best;
  const { ridge, error } = bestRidge(best.error, ridges);
  return {
    kind,
    ridge,
    score: Math.max(0, error) / (3 * pair.size * pair.size),
    solve() {
      const value = (knot: number): number => Math.floor(knot / LOCAL_SIDE) / LAST;
      return { kind, table: fullTable(systems, PENALTY, ridge, value) };
    },
  };
}
