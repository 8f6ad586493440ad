/**
 * A screen's thresholds, and how much it takes of each tone of a (docs/architecture.md, "Screen"): the least squares of
 * one share, or of several that are alike.
 */
import { solveCholesky } from './cholesky';
import { SCREEN_SIDE as SIDE, SCREEN_TONES } from './compute';
import { phaseAt, SCREEN_KNOTS, splineAt } from './reference/screen';
import type { Frequency } from './spectrum';

const RIDGE = 1e-7;
/** What a threshold costs that nothing asks for. */
const LOOSE = 1e-9;
const STEPS = 20;
/** How exactly each is cut short where that is too far. */
const HALVINGS = 6;

/** Of one share, or of several that are alike. */
export interface Channel {
  /** Cycles a picture; none where one threshold is everywhere. */
  readonly lattice: readonly Frequency[];
  /** `[5]` */
  readonly gains: Float64Array;
  /** `[256]` */
  readonly thresholds: Float64Array;
  readonly error: number;
}

/** The knots that each place is between, nine or one of one threshold: the middle one, and the weights of all. */
export interface Splines {
  readonly each: number;
  readonly middles: Uint8Array;
  readonly weights: Float64Array;
}

/** The nine knots around each knot, row by row, `[256, 9]`. */
const AROUND = Uint8Array.from({ length: 9 * SCREEN_KNOTS }, (_, k) => {
  const [knot, at] = [Math.floor(k / 9), k % 9];
  const line = (Math.floor(knot / SIDE) + Math.floor(at / 3) + SIDE - 1) % SIDE;
  return line * SIDE + (((knot % SIDE) + (at % 3) + SIDE - 1) % SIDE);
});

export function splinesOf(
  [x, y]: readonly [Float64Array, Float64Array],
  lattice: readonly Frequency[],
): Splines {
  const count = x.length * y.length;
  if (lattice.length === 0)
    return { each: 1, middles: new Uint8Array(count), weights: new Float64Array(count).fill(1) };
  const [[x0, y0], [x1, y1]] = [lattice[0], lattice[1] ?? [0, 0]];
  const middles = new Uint8Array(count);
  const weights = new Float64Array(9 * count);
  const [across, down] = [new Float64Array(3), new Float64Array(3)];
  let at = 0;
  for (const v of y) {
    for (const u of x) {
      const i = splineAt(phaseAt(x0, y0, u, v), across);
      const j = splineAt(phaseAt(x1, y1, u, v), down);
      middles[at] = i * SIDE + j;
      for (let k = 0; k < 9; k++) weights[9 * at + k] = across[Math.floor(k / 3)] * down[k % 3];
      at++;
    }
  }
  return { each: 9, middles, weights };
}

/** What bent thresholds cost, added to the lower right of a matrix of `size`. */
function addBends(matrix: Float64Array, size: number, cost: number): void {
  const at = (i: number, j: number): number => ((i + SIDE) % SIDE) * SIDE + ((j + SIDE) % SIDE);
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      for (const [di, dj] of [
        [1, 0],
        [0, 1],
      ]) {
        // prettier-ignore
        const bend = [[at(i - di, j - dj), 1], [at(i, j), -2], [at(i + di, j + dj), 1]] as const; // prettier-ignore
        for (const [one, factor] of bend)
          for (const [other, its] of bend)
            matrix[(SCREEN_TONES + one) * size + SCREEN_TONES + other] += cost * factor * its;
      }
    }
  }
}

/**
 * Gains and thresholds of shares that are alike, and the mean squared error they leave: least squares, in which a
 * full or empty share asks only for as much or more. That is convex, and what still asks is settled by turns.
 */
export function fitShares(
  shares: readonly Float64Array[],
  tones: readonly Float64Array[],
  splines: Splines,
  lattice: readonly Frequency[],
  nearFull: number,
  bends: number,
): Channel | undefined {
  const { each, middles, weights } = splines;
  const pixels = shares[0].length;
  const all = shares.length * pixels;
  const count = each === 1 ? 1 : SCREEN_KNOTS;
  const size = SCREEN_TONES + count;
  const knotOf = (middle: number, n: number): number =>
    SCREEN_TONES + (each === 1 ? 0 : AROUND[9 * middle + n]);
  // Sums by middle knot, of each of its knots: with those up to it, with the tones, and with the share.
  const block = (each * (each + 1)) / 2 + each * (SCREEN_TONES + 1);
  const sums = new Float64Array(count * block);
  const ofTones = new Float64Array(SCREEN_TONES * (SCREEN_TONES + 1));
  const asked = shares.map(() => new Uint8Array(pixels));
  const own = new Float64Array(SCREEN_TONES + 1);
  const nearby = new Float64Array(each);

  /** Adds what a pixel asks for, or takes it away. */
  function ask(s: number, i: number, sign: number): void {
    for (let k = 0; k < SCREEN_TONES; k++) own[k] = tones[s][k * pixels + i];
    own[SCREEN_TONES] = Math.min(1, Math.max(0, shares[s][i])) - 0.5;
    for (let k = 0, at = 0; k < SCREEN_TONES; k++) {
      const value = sign * own[k];
      for (let m = 0; m <= SCREEN_TONES; m++) ofTones[at++] += value * own[m];
    }
    for (let n = 0; n < each; n++) nearby[n] = weights[i * each + n];
    for (let n = 0, at = middles[i] * block; n < each; n++) {
      const weight = sign * nearby[n];
      for (let m = 0; m <= n; m++) sums[at++] += weight * nearby[m];
      for (let k = 0; k <= SCREEN_TONES; k++) sums[at++] += weight * own[k];
    }
  }

  /** The least squares of all that is asked, or undefined. */
  function solve(): Float64Array | undefined {
    const matrix = new Float64Array(size * size);
    const right = new Float64Array(size);
    for (let k = 0; k < SCREEN_TONES; k++) {
      for (let m = 0; m < SCREEN_TONES; m++) matrix[k * size + m] = ofTones[k * (SCREEN_TONES + 1) + m] / all;
      matrix[k * size + k] += RIDGE;
      right[k] = ofTones[k * (SCREEN_TONES + 1) + SCREEN_TONES] / all;
    }
    for (let middle = 0, at = 0; middle < count; middle++) {
      for (let n = 0; n < each; n++) {
        const row = knotOf(middle, n);
        for (let m = 0; m <= n; m++) {
          const column = knotOf(middle, m);
          const sum = sums[at++] / all;
          // The lower triangle is all that is read, and a block's is not the matrix's where knots go round.
          matrix[Math.max(row, column) * size + Math.min(row, column)] += sum;
        }
        for (let k = 0; k < SCREEN_TONES; k++) matrix[row * size + k] -= sums[at++] / all;
        right[row] -= sums[at++] / all;
      }
    }
    for (let k = SCREEN_TONES; k < size; k++) matrix[k * size + k] += LOOSE;
    if (each > 1) addBends(matrix, size, bends);
    return solveCholesky(matrix, right, size, 1);
  }

  /** What an unknown solution makes of every pixel, less a half. */
  const madeBy = (solution: Float64Array): Float64Array => {
    const made = new Float64Array(all);
    for (let s = 0, at = 0; s < shares.length; s++) {
      for (let i = 0; i < pixels; i++, at++) {
        let sum = 0;
        for (let k = 0; k < SCREEN_TONES; k++) sum += solution[k] * tones[s][k * pixels + i];
        for (let n = 0; n < each; n++) sum -= weights[i * each + n] * solution[knotOf(middles[i], n)];
        made[at] = sum;
      }
    }
    return made;
  };
  const asks = (share: number, made: number): boolean =>
    !((share > 1 - nearFull && made >= 0.5) || (share < nearFull && made <= -0.5));
  /** How the error changes from `from` on to `to`, at a share of the way. */
  const slope = (from: Float64Array, to: Float64Array, share: number): number => {
    let sum = 0;
    for (let s = 0, at = 0; s < shares.length; s++) {
      for (let i = 0; i < pixels; i++, at++) {
        const way = to[at] - from[at];
        const made = from[at] + share * way;
        const own = shares[s][i];
        if (asks(own, made)) sum += (made + 0.5 - Math.min(1, Math.max(0, own))) * way;
      }
    }
    return sum;
  };

  let solution: Float64Array = new Float64Array(size);
  let made = new Float64Array(all);
  for (let step = 0; step < STEPS; step++) {
    let changed = false;
    for (let s = 0, at = 0; s < shares.length; s++) {
      for (let i = 0; i < pixels; i++, at++) {
        const asking = step === 0 || asks(shares[s][i], made[at]) ? 1 : 0;
        if (asking === asked[s][i]) continue;
        ask(s, i, asking === 1 ? 1 : -1);
        asked[s][i] = asking;
        changed = true;
      }
    }
    if (!changed) break;
    const solved = solve();
    if (solved === undefined) return undefined;
    const next = madeBy(solved);
    // As far as the error falls: what asks on the way is not what asked at its beginning.
    let share = 1;
    if (step > 0 && slope(made, next, 1) > 0) {
      let low = 0;
      for (let k = 0; k < HALVINGS; k++) {
        const middle = (low + share) / 2;
        if (slope(made, next, middle) > 0) share = middle;
        else low = middle;
      }
    }
    solution = solution.map((value, k) => value + share * (solved[k] - value));
    made = made.map((value, k) => value + share * (next[k] - value));
  }
  let error = 0;
  for (let s = 0; s < shares.length; s++) {
    for (let i = 0; i < pixels; i++) {
      const share = Math.min(1, Math.max(0, shares[s][i]));
      error += (Math.min(1, Math.max(0, 0.5 + made[s * pixels + i])) - share) ** 2;
    }
  }
  const found = solution.slice(SCREEN_TONES);
  return {
    lattice,
    gains: solution.slice(0, SCREEN_TONES),
    thresholds: each === 1 ? new Float64Array(SCREEN_KNOTS).fill(found[0]) : found,
    error: error / all,
  };
}

/** What a channel makes of its tones. */
export function drawn(
  { gains, thresholds }: Channel,
  tones: Float64Array,
  { each, middles, weights }: Splines,
): Float64Array {
  const pixels = tones.length / SCREEN_TONES;
  return Float64Array.from({ length: pixels }, (_, i) => {
    let sum = 0.5;
    for (let k = 0; k < SCREEN_TONES; k++) sum += gains[k] * tones[k * pixels + i];
    for (let n = 0; n < each; n++)
      sum -= weights[i * each + n] * thresholds[each === 1 ? 0 : AROUND[9 * middles[i] + n]];
    return Math.min(1, Math.max(0, sum));
  });
}
