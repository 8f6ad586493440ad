/**
 * A screen's thresholds, and how much it takes of each tone of a (docs/architecture.md, "Screen"): the least squares of
 * one share, or of several that are alike.
 */
import { solveCholesky } from './cholesky';
import { SCREEN_SIDE as SIDE, SCREEN_TONES } from './compute';
import { AROUND, phaseAt, SCREEN_KNOTS, splineAt } from './reference/screen';
import type { Frequency } from './spectrum';

const RIDGE = 1e-7;
/** What a threshold costs that nothing asks for. */
const LOOSE = 1e-9;
const STEPS = 20;
/** How exactly each is cut short where that is too far. */
const HALVINGS = 6;

/** What was fitted to a share. */
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
  readonly lattice: readonly Frequency[];
  readonly each: number;
  readonly middles: Uint8Array;
  readonly weights: Float64Array;
}

/** Of all pairs of places along x and y, row by row. */
export function splinesOf(
  [x, y]: readonly [Float64Array, Float64Array],
  lattice: readonly Frequency[],
): Splines {
  const count = x.length * y.length;
  if (lattice.length === 0)
    return { lattice, each: 1, middles: new Uint8Array(count), weights: new Float64Array(count).fill(1) };
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
  return { lattice, each: 9, middles, weights };
}

/** What bent thresholds cost, added to the lower right of a matrix of `size`. */
function addBends(matrix: Float64Array, size: number, cost: number): void {
  const at = (i: number, j: number): number => ((i + SIDE) % SIDE) * SIDE + ((j + SIDE) % SIDE);
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      for (const line of [
        [at(i - 1, j), at(i, j), at(i + 1, j)],
        [at(i, j - 1), at(i, j), at(i, j + 1)],
      ]) {
        const bend = [1, -2, 1];
        line.forEach((one, k) => {
          const row = (SCREEN_TONES + one) * size + SCREEN_TONES;
          line.forEach((other, m) => (matrix[row + other] += cost * bend[k] * bend[m]));
        });
      }
    }
  }
}

/**
 * Gains and thresholds of a share `[k·P]` that is made of `tones` `[5, k·P]` at P places, and the mean squared error
 * they leave: least squares, in which a full or empty share asks only for as much or more. That is convex, and what
 * still asks is settled by turns; `start`, fitted to nearly the same with the same splines, saves most of them.
 */
export function fitShare(
  share: Float64Array,
  tones: Float64Array,
  splines: Splines,
  nearFull: number,
  bends: number,
  start?: Channel,
): Channel | undefined {
  const { lattice, each, middles, weights } = splines;
  const pixels = share.length;
  const places = middles.length;
  const count = each === 1 ? 1 : SCREEN_KNOTS;
  const size = SCREEN_TONES + count;
  const y = share.map((value) => Math.min(1, Math.max(0, value)) - 0.5);
  const knotOf = (middle: number, n: number): number =>
    SCREEN_TONES + (each === 1 ? 0 : AROUND[9 * middle + n]);
  // Sums by middle knot, of each of its knots: with those up to it, with the tones, and with the share.
  const block = (each * (each + 1)) / 2 + each * (SCREEN_TONES + 1);
  const sums = new Float64Array(count * block);
  const ofTones = new Float64Array(SCREEN_TONES * (SCREEN_TONES + 1));
  const own = new Float64Array(SCREEN_TONES + 1);
  const nearby = new Float64Array(each);

  /** Adds what a pixel asks for, or takes it away. */
  function ask(i: number, place: number, sign: number): void {
    for (let k = 0; k < SCREEN_TONES; k++) own[k] = tones[k * pixels + i];
    own[SCREEN_TONES] = y[i];
    for (let k = 0, at = 0; k < SCREEN_TONES; k++) {
      const value = sign * own[k];
      for (let m = 0; m <= SCREEN_TONES; m++) ofTones[at++] += value * own[m];
    }
    for (let n = 0; n < each; n++) nearby[n] = weights[place * each + n];
    for (let n = 0, at = middles[place] * block; n < each; n++) {
      const weight = sign * nearby[n];
      for (let m = 0; m <= n; m++) sums[at++] += weight * nearby[m];
      for (let k = 0; k <= SCREEN_TONES; k++) sums[at++] += weight * own[k];
    }
  }

  /** The least squares of all that is asked, or undefined. */
  function solve(): Float64Array | undefined {
    const matrix = new Float64Array(size * size);
    const right = new Float64Array(size);
    for (let k = 0, at = 0; k < SCREEN_TONES; k++) {
      for (let m = 0; m < SCREEN_TONES; m++) matrix[k * size + m] = ofTones[at++] / pixels;
      right[k] = ofTones[at++] / pixels;
      matrix[k * size + k] += RIDGE;
    }
    for (let middle = 0, at = 0; middle < count; middle++) {
      for (let n = 0; n < each; n++) {
        const row = knotOf(middle, n);
        for (let m = 0; m <= n; m++) {
          const column = knotOf(middle, m);
          // The lower triangle is all that is read, and a block's is not the matrix's where knots go round.
          matrix[Math.max(row, column) * size + Math.min(row, column)] += sums[at++] / pixels;
        }
        for (let k = 0; k < SCREEN_TONES; k++) matrix[row * size + k] -= sums[at++] / pixels;
        right[row] -= sums[at++] / pixels;
      }
    }
    for (let k = SCREEN_TONES; k < size; k++) matrix[k * size + k] += LOOSE;
    if (each > 1) addBends(matrix, size, bends);
    return solveCholesky(matrix, right, size, 1);
  }

  /** What unknowns make of every pixel, less a half. */
  function madeBy(unknowns: Float64Array): Float64Array {
    return mixed(unknowns.subarray(0, SCREEN_TONES), unknowns.subarray(SCREEN_TONES), tones, splines);
  }

  const [empty, full] = [nearFull - 0.5, 0.5 - nearFull];
  const asks = (i: number, made: number): boolean =>
    !((y[i] > full && made >= 0.5) || (y[i] < empty && made <= -0.5));
  /** Whether the error rises from `from` on to `to`, at a part of the way. */
  function rises(from: Float64Array, to: Float64Array, part: number): boolean {
    let slope = 0;
    for (let i = 0; i < pixels; i++) {
      const way = to[i] - from[i];
      const made = from[i] + part * way;
      if (asks(i, made)) slope += (made - y[i]) * way;
    }
    return slope > 0;
  }

  const asked = new Uint8Array(pixels);
  let solution: Float64Array = new Float64Array(size);
  if (start !== undefined) {
    solution.set(start.gains);
    solution.set(start.thresholds.subarray(0, count), SCREEN_TONES);
  }
  // With no start every pixel asks at first.
  let made = start === undefined ? undefined : madeBy(solution);
  for (let step = 0; step < STEPS; step++) {
    let changed = false;
    for (let i = 0, place = 0; i < pixels; i++, place = place + 1 === places ? 0 : place + 1) {
      const asking = made === undefined || asks(i, made[i]) ? 1 : 0;
      if (asking === asked[i]) continue;
      ask(i, place, asking === 1 ? 1 : -1);
      asked[i] = asking;
      changed = true;
    }
    if (!changed) break;
    const solved = solve();
    if (solved === undefined) return undefined;
    const next = madeBy(solved);
    // As far as the error falls: what asks on the way is not what asked at its beginning.
    const from = made ?? next;
    let part = 1;
    if (rises(from, next, part)) {
      let low = 0;
      for (let k = 0; k < HALVINGS; k++) {
        const middle = (low + part) / 2;
        if (rises(from, next, middle)) part = middle;
        else low = middle;
      }
    }
    solution = solution.map((value, k) => value + part * (solved[k] - value));
    made = from.map((value, i) => value + part * (next[i] - value));
  }
  const final = made ?? madeBy(solution);
  const error = y.reduce((sum, value, i) => sum + (Math.min(0.5, Math.max(-0.5, final[i])) - value) ** 2, 0);
  const found = solution.slice(SCREEN_TONES);
  return {
    lattice,
    gains: solution.slice(0, SCREEN_TONES),
    thresholds: each === 1 ? new Float64Array(SCREEN_KNOTS).fill(found[0]) : found,
    error: error / pixels,
  };
}

/** What gains and thresholds make of tones `[5, k·P]` at P places, less a half. */
function mixed(
  gains: Float64Array,
  thresholds: Float64Array,
  tones: Float64Array,
  { each, middles, weights }: Splines,
): Float64Array {
  const pixels = tones.length / SCREEN_TONES;
  const made = new Float64Array(pixels);
  for (let place = 0; place < middles.length; place++) {
    let threshold = 0;
    for (let n = 0; n < each; n++)
      threshold += weights[place * each + n] * thresholds[each === 1 ? 0 : AROUND[9 * middles[place] + n]];
    for (let i = place; i < pixels; i += middles.length) {
      let sum = -threshold;
      for (let k = 0; k < SCREEN_TONES; k++) sum += gains[k] * tones[k * pixels + i];
      made[i] = sum;
    }
  }
  return made;
}

/** What a channel makes of its tones `[5, P]`. */
export function drawn(
  { gains, thresholds }: Pick<Channel, 'gains' | 'thresholds'>,
  tones: Float64Array,
  splines: Splines,
): Float64Array {
  return mixed(gains, thresholds, tones, splines).map((value) => Math.min(1, Math.max(0, 0.5 + value)));
}
