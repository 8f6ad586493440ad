/**
 * Scores and solves the anchor's local lookups (docs/architecture.md, "Local lookup"): bilinear between 16 × 16
 * knots of a value and of its bent difference from what is around it.
 */
import { LOCAL_KINDS, LOOKUP_KNOTS, type LocalKind } from './compute';
import { SLOPE } from './lookup-fit';
import { blurred } from './reference/fields';
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

/** Planes of pixels, of a and a′ and of a blurred by each σ. */
interface Seen {
  readonly a: Float32Array;
  readonly a2: Float32Array;
  readonly around: Readonly<Record<number, Float32Array>>;
}

/** Systems of one kind: one of three channels by luma, one for each channel otherwise. */
function systemsOf(kind: LocalKind, { a, a2, around }: Seen, folds: Folds): Sums[][] {
  const pixels = a2.length / 3;
  const edited = [0, 1, 2].map((c) => a2.subarray(c * pixels, (c + 1) * pixels));
  const indices = localIndices(kind, a, around[sigmaOf(kind)]);
  return indices.map((of, c) => localSums(of, indices.length === 1 ? edited : [edited[c]], folds));
}

/** Every second pixel each way of planes `[3, S, S]`. */
function thinned(planes: Float32Array, size: number): Float32Array {
  const side = Math.ceil(size / 2);
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [c, y, x] = [Math.floor(i / side / side), Math.floor(i / side) % side, i % side];
    return planes[(c * size + 2 * y) * size + 2 * x];
  });
}

/** The kind of least mean squared error on the very pixels it is fitted to, and that error. */
function firstLook(
  kinds: readonly LocalKind[],
  seen: Seen,
  ridge: number,
): { readonly kind: LocalKind; readonly error: number } {
  const whole = { of: new Uint8Array(seen.a2.length / 3), count: 1 };
  const errors = kinds.map((kind) => {
    const systems = systemsOf(kind, seen, whole).map(([sums]) => sums);
    return ownError(systems, PENALTY, ridge) / seen.a2.length;
  });
  const error = Math.min(...errors);
  return { kind: kinds[errors.indexOf(error)], error };
}

/**
 * The best local lookup: of either sort the kind that does best at a quarter of the pixels, of these the one
 * with the better score, with the best ridge. Undefined where that is above `bound`.
 */
export function scoreLocal(
  { a, a2, prepared, size }: Pair,
  folds: Folds,
  ridges: readonly number[],
  bound: number,
): (ScoredLookup & { readonly kind: LocalKind }) | undefined {
  const middle = ridges[Math.floor(ridges.length / 2)];
  const around = Object.fromEntries(
    [...new Set(LOCAL_KINDS.map(sigmaOf))].map((sigma) => [sigma, blurred(prepared, size, sigma)]),
  );
  const few: Seen = {
    a: thinned(a, size),
    a2: thinned(a2, size),
    around: Object.fromEntries(
      Object.entries(around).map(([sigma, planes]) => [sigma, thinned(planes, size)]),
    ),
  };
  const sorts = [true, false].map((shared) => LOCAL_KINDS.filter((kind) => sharesIndices(kind) === shared));
  const finalists = sorts
    .map((kinds) => firstLook(kinds, few, middle))
    .filter(({ error }) => error <= bound)
    .map(({ kind }) => {
      const systems = systemsOf(kind, { a, a2, around }, folds);
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
      return { kind, table: fullTable(systems, PENALTY, best.ridge, value) };
    },
  };
}
