/** Scores and solves the anchor's lookups (docs/architecture.md, "Lookup"): linear between 256 knots. */
import { LOOKUP_KNOTS, type Luma, type PointKind } from './compute';
import { lookupIndex } from './reference/lookup';
import {
  bestRidge,
  emptySums,
  fullTable,
  heldOut,
  penaltyOf,
  type Folds,
  type Pair,
  type ScoredLookup,
  type Square,
  type Sums,
} from './table-fit';

/** What a slope other than 1 costs beside a bend. */
export const SLOPE = 1e-3;
const LAST = LOOKUP_KNOTS - 1;
const WIDTH = 2;

/** Bends squared and SLOPE slopes squared. */
function* curvature(): Generator<Square> {
  for (let i = 0; i < LAST; i++) {
    yield { weight: SLOPE, terms: [[i, -1], [i + 1, 1]] }; // prettier-ignore
    if (i < LAST - 1) yield { weight: 1, terms: [[i, 1], [i + 1, -2], [i + 2, 1]] }; // prettier-ignore
  }
}
const PENALTY = penaltyOf(curvature(), WIDTH);

/** The sums of one channel over the pixels of each fold. */
export function lookupSums(q: Float32Array, edited: Float32Array, folds: Folds): Sums[] {
  const sums = Array.from({ length: folds.count }, () => emptySums(WIDTH, 1));
  for (let i = 0; i < q.length; i++) {
    const fold = sums[folds.of[i]];
    const position = q[i] * LAST;
    const low = Math.min(LAST - 1, Math.floor(position));
    const rest = position - low;
    const y = edited[i] - q[i];
    fold.bands[low * (WIDTH + 1)] += (1 - rest) * (1 - rest);
    fold.bands[low * (WIDTH + 1) + 1] += rest * (1 - rest);
    fold.bands[(low + 1) * (WIDTH + 1)] += rest * rest;
    fold.right[low] += (1 - rest) * y;
    fold.right[low + 1] += rest * y;
    fold.square += y * y;
    fold.pixels += 1;
  }
  return sums;
}

/** Cross-validates one kind over the folds. */
export function scoreLookup(
  kind: PointKind,
  luma: Luma,
  { a, a2, fields, size }: Pair,
  folds: Folds,
  ridges: readonly number[],
): ScoredLookup {
  const plane = size * size;
  const q = lookupIndex(kind, luma, a, fields, size);
  const of = (planes: Float32Array, c: number): Float32Array => planes.subarray(c * plane, (c + 1) * plane);
  const channels = [0, 1, 2].map((c) => lookupSums(of(q, c), of(a2, c), folds));
  const { ridge, error } = bestRidge(heldOut(channels, PENALTY), ridges);
  return {
    ridge,
    score: Math.max(0, error) / (3 * plane),
    solve: () => ({ kind, luma, table: fullTable(channels, PENALTY, ridge, (knot) => knot / LAST) }),
  };
}
