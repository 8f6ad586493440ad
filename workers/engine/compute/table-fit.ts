/**
 * Penalised tables of 256 knots from sums over pixels: what lookups and local lookups share
 * (docs/architecture.md, "Lookup"). The unknown is the table less what it is indexed with.
 */
import { quadraticForm, solveBanded } from './banded';
import { LOOKUP_KNOTS, type Cells, type Lookup } from './compute';

/** A pair at the model's size, planar `[3, S, S]`: means of pixels, or one pixel for each. */
export interface Pair {
  readonly a: Float32Array;
  readonly a2: Float32Array;
  /** Blurs and gradients of a as means of pixels, `[18, S, S]`. */
  readonly fields: Float32Array;
  readonly size: number;
  /** What a is the means of. */
  readonly cells?: Cells | undefined;
  /** Whether a kernel has filtered a: then what is around a pixel is no longer looked at. */
  readonly filtered?: boolean;
}

/** A prepared pair alone. */
export type Means = Pick<Pair, 'a' | 'a2' | 'size'>;

/** Which of `count` folds each of a pair's pixels belongs to. */
export interface Folds {
  readonly of: Uint8Array;
  readonly count: number;
}

export interface ScoredLookup {
  /** Cross-validated mean squared error. */
  readonly score: number;
  readonly ridge: number;
  /** Fitted to the whole pair. */
  solve(): Lookup;
}

/** Which bends cost how much: `bands` of a symmetric matrix, as banded.ts has them. */
export interface Penalty {
  readonly bands: Float64Array;
  readonly width: number;
}

/** The square of a sum of unknowns times factors, the unknowns in ascending order, and what it costs. */
export interface Square {
  readonly weight: number;
  readonly terms: readonly (readonly [knot: number, factor: number])[];
}

export function penaltyOf(squares: Iterable<Square>, width: number): Penalty {
  const bands = new Float64Array(LOOKUP_KNOTS * (width + 1));
  for (const { weight, terms } of squares) {
    terms.forEach(([knot, factor], i) => {
      for (const [other, its] of terms.slice(i))
        bands[knot * (width + 1) + other - knot] += weight * factor * its;
    });
  }
  return { bands, width };
}

/** Normal equations of the tables of `columns` channels, which share a matrix, over some pixels. */
export interface Sums {
  /** `[256, width + 1]`, as banded.ts has them. */
  readonly bands: Float64Array;
  /** `[256, columns]` */
  readonly right: Float64Array;
  readonly columns: number;
  /** Σ of the squares that the tables have to explain. */
  square: number;
  pixels: number;
}

export function emptySums(width: number, columns: number): Sums {
  return {
    bands: new Float64Array(LOOKUP_KNOTS * (width + 1)),
    right: new Float64Array(LOOKUP_KNOTS * columns),
    columns,
    square: 0,
    pixels: 0,
  };
}

function total(parts: readonly Sums[], { width }: Penalty): Sums {
  const sum = emptySums(width, parts[0].columns);
  for (const part of parts) {
    for (let i = 0; i < sum.bands.length; i++) sum.bands[i] += part.bands[i];
    for (let i = 0; i < sum.right.length; i++) sum.right[i] += part.right[i];
    sum.square += part.square;
    sum.pixels += part.pixels;
  }
  return sum;
}

/** Tables less what they are indexed with, `[256, columns]`. */
function solved(sums: Sums, penalty: Penalty, ridge: number): Float64Array {
  const over = 1 / sums.pixels;
  const bands = new Float64Array(sums.bands.length);
  for (let i = 0; i < bands.length; i++) bands[i] = sums.bands[i] * over + ridge * penalty.bands[i];
  const right = new Float64Array(sums.right.length);
  for (let i = 0; i < right.length; i++) right[i] = sums.right[i] * over;
  return solveBanded(bands, penalty.width, right, sums.columns);
}

function squaredError({ bands, right, square, columns }: Sums, table: Float64Array, width: number): number {
  let error = square + quadraticForm(bands, width, table, columns);
  for (let i = 0; i < right.length; i++) error -= 2 * table[i] * right[i];
  return error;
}

/** The squared error of tables on the very pixels that they are fitted to. */
export function ownError(systems: readonly Sums[], penalty: Penalty, ridge: number): number {
  return systems.reduce(
    (error, sums) => error + squaredError(sums, solved(sums, penalty, ridge), penalty.width),
    0,
  );
}

/** The squared error, summed over held-out folds and `systems`, that one candidate makes with a ridge. */
export type HeldOut = (ridge: number) => number;

/** `systems` are the sums by fold of each table. */
export function heldOut(systems: readonly (readonly Sums[])[], penalty: Penalty): HeldOut {
  const kept = systems.map((sums) =>
    sums.map((_, held) =>
      total(
        sums.filter((__, i) => i !== held),
        penalty,
      ),
    ),
  );
  return (ridge) =>
    systems.reduce(
      (error, sums, k) =>
        sums.reduce(
          (part, held, fold) =>
            part + squaredError(held, solved(kept[k][fold], penalty, ridge), penalty.width),
          error,
        ),
      0,
    );
}

/** The table `[256, 3]` of one system of three channels, or of one system a channel; `index` is of knots. */
export function fullTable(
  systems: readonly (readonly Sums[])[],
  penalty: Penalty,
  ridge: number,
  index: (knot: number) => number,
): Float32Array {
  const less = systems.map((sums) => solved(total(sums, penalty), penalty, ridge));
  return Float32Array.from({ length: LOOKUP_KNOTS * 3 }, (_, i) => {
    const [knot, c] = [Math.floor(i / 3), i % 3];
    return index(knot) + (systems.length === 1 ? less[0][i] : less[c][knot]);
  });
}

/** The ridge of least error, the larger on ties. */
export function bestRidge(error: HeldOut, ridges: readonly number[]): { ridge: number; error: number } {
  let best = { ridge: ridges[0], error: Infinity };
  for (const ridge of ridges) {
    const found = error(ridge);
    if (found <= best.error) best = { ridge, error: found };
  }
  return best;
}
