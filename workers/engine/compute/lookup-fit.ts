/**
 * Scores and solves the anchor's lookups (docs/architecture.md, "Lookup"): penalised tables with linear
 * interpolation between 256 knots, from sums over the pixels of each fold, in double precision.
 */
import { LOOKUP_KNOTS, type Lookup, type LookupKind } from './compute';
import { lookupIndex } from './reference/lookup';

/** A pair at the model's size, planar `[3, S, S]`: means of pixels, or one pixel for each. */
export interface Pair {
  readonly a: Float32Array;
  readonly a2: Float32Array;
  /** a as means of pixels: what blurs are of. */
  readonly prepared: Float32Array;
  readonly size: number;
}

/** What a slope other than 1 costs beside a bend. */
const SLOPE = 1e-3;
const LAST = LOOKUP_KNOTS - 1;

/** A symmetric matrix with two bands beside the diagonal; `first[i]` joins knots i and i + 1. */
interface Bands {
  readonly main: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** Normal equations of one channel's table less the identity, over some pixels. */
export interface ChannelSums {
  readonly main: Float64Array;
  readonly first: Float64Array;
  readonly right: Float64Array;
  /** Σ (a′ − q)² */
  square: number;
  pixels: number;
}

function emptySums(): ChannelSums {
  const knots = (): Float64Array => new Float64Array(LOOKUP_KNOTS);
  return { main: knots(), first: knots(), right: knots(), square: 0, pixels: 0 };
}

/** The sums of channel c over the pixels of each fold; `foldOf` says which fold a pixel belongs to. */
export function lookupSums(
  q: Float32Array,
  edited: Float32Array,
  foldOf: Uint8Array,
  folds: number,
): ChannelSums[] {
  const sums = Array.from({ length: folds }, emptySums);
  for (let i = 0; i < foldOf.length; i++) {
    const fold = sums[foldOf[i]];
    const position = q[i] * LAST;
    const low = Math.min(LAST - 1, Math.floor(position));
    const rest = position - low;
    const y = edited[i] - q[i];
    fold.main[low] += (1 - rest) * (1 - rest);
    fold.main[low + 1] += rest * rest;
    fold.first[low] += rest * (1 - rest);
    fold.right[low] += (1 - rest) * y;
    fold.right[low + 1] += rest * y;
    fold.square += y * y;
    fold.pixels += 1;
  }
  return sums;
}

function total(parts: readonly ChannelSums[]): ChannelSums {
  const sum = emptySums();
  for (const part of parts) {
    for (let i = 0; i < LOOKUP_KNOTS; i++) {
      sum.main[i] += part.main[i];
      sum.first[i] += part.first[i];
      sum.right[i] += part.right[i];
    }
    sum.square += part.square;
    sum.pixels += part.pixels;
  }
  return sum;
}

/** Bends squared and SLOPE slopes squared, as a matrix. */
function penaltyBands(): Bands {
  const bands = {
    main: new Float64Array(LOOKUP_KNOTS),
    first: new Float64Array(LOOKUP_KNOTS),
    second: new Float64Array(LOOKUP_KNOTS),
  };
  for (let i = 0; i < LAST; i++) {
    bands.main[i] += SLOPE;
    bands.main[i + 1] += SLOPE;
    bands.first[i] -= SLOPE;
  }
  for (let i = 0; i < LAST - 1; i++) {
    bands.main[i] += 1;
    bands.main[i + 1] += 4;
    bands.main[i + 2] += 1;
    bands.first[i] -= 2;
    bands.first[i + 1] -= 2;
    bands.second[i] += 1;
  }
  return bands;
}
const PENALTY = penaltyBands();

/** Solves a positive definite system; `bands` and `right` are overwritten, `right` with the solution. */
export function solveBanded({ main, first, second }: Bands, right: Float64Array): void {
  for (let i = 0; i < LAST; i++) {
    const near = first[i] / main[i];
    main[i + 1] -= near * first[i];
    right[i + 1] -= near * right[i];
    if (i < LAST - 1) {
      const far = second[i] / main[i];
      first[i + 1] -= near * second[i];
      main[i + 2] -= far * second[i];
      right[i + 2] -= far * right[i];
      second[i] = far;
    }
    first[i] = near;
  }
  for (let i = LAST; i >= 0; i--) {
    right[i] /= main[i];
    if (i < LAST) right[i] -= first[i] * right[i + 1];
    if (i < LAST - 1) right[i] -= second[i] * right[i + 2];
  }
}

/** One channel's table less the identity, `[256]`. */
function solveChannel(sums: ChannelSums, ridge: number): Float64Array {
  const over = 1 / sums.pixels;
  const right = sums.right.map((value) => value * over);
  solveBanded(
    {
      main: sums.main.map((value, i) => value * over + ridge * PENALTY.main[i]),
      first: sums.first.map((value, i) => value * over + ridge * PENALTY.first[i]),
      second: PENALTY.second.map((value) => ridge * value),
    },
    right,
  );
  return right;
}

/** Σ (a′ − T(q))² over the pixels that `sums` counts. */
function squaredError({ main, first, right, square }: ChannelSums, table: Float64Array): number {
  let error = square;
  for (let i = 0; i < LOOKUP_KNOTS; i++) {
    error += table[i] * (table[i] * main[i] - 2 * right[i]);
    if (i < LAST) error += 2 * table[i] * table[i + 1] * first[i];
  }
  return error;
}

export interface ScoredLookup {
  readonly score: number;
  readonly ridge: number;
  solve(): Lookup;
}

/** Cross-validates one kind over the folds; the best ridge wins, the larger on ties. */
export function scoreLookup(
  kind: LookupKind,
  { a, a2, prepared, size }: Pair,
  foldOf: Uint8Array,
  folds: number,
  ridges: readonly number[],
): ScoredLookup {
  const plane = size * size;
  const q = lookupIndex(kind, a, prepared, size);
  const channels = [0, 1, 2].map((c) =>
    lookupSums(
      q.subarray(c * plane, (c + 1) * plane),
      a2.subarray(c * plane, (c + 1) * plane),
      foldOf,
      folds,
    ),
  );
  const kept = channels.map((sums) => sums.map((_, held) => total(sums.filter((__, i) => i !== held))));
  let best = { score: Infinity, ridge: ridges[0] };
  for (const ridge of ridges) {
    let error = 0;
    channels.forEach((sums, c) => {
      sums.forEach((held, fold) => {
        error += squaredError(held, solveChannel(kept[c][fold], ridge));
      });
    });
    const score = Math.max(0, error) / (3 * plane);
    if (score <= best.score) best = { score, ridge };
  }
  return {
    ...best,
    solve() {
      const table = new Float32Array(LOOKUP_KNOTS * 3);
      channels.forEach((sums, c) => {
        const less = solveChannel(total(sums), best.ridge);
        for (let i = 0; i < LOOKUP_KNOTS; i++) table[i * 3 + c] = i / LAST + less[i];
      });
      return { kind, table };
    },
  };
}
