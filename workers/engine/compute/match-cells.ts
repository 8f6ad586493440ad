/**
 * The cells of one level of PatchMatch (patch-match.ts) with their matches: what one costs, and how a better one
 * is taken from others, or made by Gauss-Newton.
 */
import { solveCholesky } from './cholesky';
import { MATCH_NUMBERS } from './compute';
import { clamp } from './gauss-newton';
import { interleaved, withSlopes } from './pyramid';
import { mirrored } from './reference/warp';
import type { Means } from './table-fit';

/** A patch is 7 × 7 pixels of its level. */
const REACH = 3;
const PATCH = (2 * REACH + 1) ** 2;
const GAIN = 1e-6;
/** A difference that has a quarter of its weight in a Gauss-Newton step. */
const TRUSTED = 0.05;
const LARGEST_TURN = 0.3;
/** A match that shrinks something to less than this has found a flat place, not a place. */
const SHRUNK = 0.3;
/** Pixels by which a cell reads elsewhere. */
const MOVED = 1.5;

/** x, y and the slopes, row by row: where a cell's centre reads, and what is about it. */
export type Match = Float64Array;

/** The pixel, not rounded, at a position along an axis of `size` pixels; mirrored outside. */
function pixelOf(position: number, size: number): number {
  const place = position >= -1 && position <= 1 ? (position + 1) / 2 : mirrored((position + 1) / 2);
  const pixel = place * size - 0.5;
  return pixel < 0 ? 0 : pixel > size - 1 ? size - 1 : pixel;
}

/** A picture `[S, S, channels]` read bilinearly, mirrored outside. */
export class Sampler {
  readonly size: number;
  readonly #values: Float32Array;
  readonly #channels: number;
  readonly #found: Float64Array;

  constructor(values: Float32Array, size: number) {
    this.size = size;
    this.#values = values;
    this.#channels = values.length / (size * size);
    this.#found = new Float64Array(this.#channels);
  }

  /** All channels at a position, into `out`. */
  read(x: number, y: number, out: Float64Array): void {
    const { size } = this;
    const values = this.#values;
    const channels = this.#channels;
    const column = pixelOf(x, size);
    const row = pixelOf(y, size);
    const left = Math.floor(column);
    const top = Math.floor(row);
    const first = channels * (top * size + left);
    const right = first + (left < size - 1 ? channels : 0);
    const down = top < size - 1 ? channels * size : 0;
    const s = column - left;
    const t = row - top;
    const at00 = (1 - s) * (1 - t);
    const at10 = s * (1 - t);
    const at01 = (1 - s) * t;
    const at11 = s * t;
    for (let i = 0; i < channels; i++) {
      out[i] =
        at00 * values[first + i] +
        at10 * values[right + i] +
        at01 * values[first + down + i] +
        at11 * values[right + down + i];
    }
  }

  /** Of r, g, b: the squared error of a position's colour against `edited[at…at + 2]`, its mean over channels. */
  error(x: number, y: number, edited: Float32Array, at: number): number {
    const found = this.#found;
    this.read(x, y, found);
    const r = found[0] - edited[at];
    const g = found[1] - edited[at + 1];
    const b = found[2] - edited[at + 2];
    return (r * r + g * g + b * b) / 3;
  }
}

/** The cells of one level, and the best match of each so far. */
export class Cells {
  /** Along an axis. */
  readonly count: number;
  /** `[count², 6]` */
  readonly matches: Float64Array;
  readonly #costs: Float64Array;
  /** a */
  readonly colours: Sampler;
  readonly #sloped: Sampler;
  readonly #flaw: number;
  /** a′ at every cell's patch, `[count², 49, 3]`. */
  readonly #edited: Float32Array;
  /** Offsets of a patch's pixels, `[49, 2]`. */
  readonly #patch: Float64Array;
  readonly #said = new Float64Array(MATCH_NUMBERS);
  /** Of a cell's normal equations. */
  readonly #matrix = new Float64Array(MATCH_NUMBERS * MATCH_NUMBERS);
  readonly #right = new Float64Array(MATCH_NUMBERS);
  readonly #basis = new Float64Array([1, 0, 0]);
  readonly #slopes = new Float64Array(9);

  constructor(
    { a, a2, size }: Means,
    count: number,
    flaw: number,
    matchAt: (x: number, y: number, out: Match) => void,
  ) {
    this.count = count;
    this.colours = new Sampler(interleaved(a), size);
    this.#sloped = new Sampler(withSlopes(a, size), size);
    this.#flaw = flaw;
    const side = 2 * REACH + 1;
    this.#patch = Float64Array.from({ length: 2 * PATCH }, (_, i) => {
      const k = i >> 1;
      return ((i % 2 === 0 ? k % side : Math.floor(k / side)) - REACH) * (2 / size);
    });
    const edited = new Sampler(interleaved(a2), size);
    const found = new Float64Array(3);
    this.#edited = new Float32Array(count * count * PATCH * 3);
    this.matches = new Float64Array(count * count * MATCH_NUMBERS);
    this.#costs = new Float64Array(count * count).fill(Infinity);
    for (let cell = 0, at = 0; cell < count * count; cell++) {
      const [x, y] = [this.centre(cell % count), this.centre(Math.floor(cell / count))];
      for (let k = 0; k < PATCH; k++) {
        edited.read(x + this.#patch[2 * k], y + this.#patch[2 * k + 1], found);
        this.#edited.set(found, at);
        at += 3;
      }
      const match = this.matchOf(cell);
      matchAt(x, y, match);
      this.#costs[cell] = this.#cost(cell, match, 1);
    }
  }

  centre(index: number): number {
    return (2 * index + 1) / this.count - 1;
  }

  matchOf(cell: number): Match {
    return this.matches.subarray(cell * MATCH_NUMBERS, (cell + 1) * MATCH_NUMBERS);
  }

  meanCost(): number {
    return this.#costs.reduce((sum, cost) => sum + cost, 0) / this.#costs.length;
  }

  /** The mean squared error that the matches leave. */
  meanError(): number {
    const { count } = this;
    let sum = 0;
    for (let cell = 0, at = 0; cell < count * count; cell++) {
      const [x, y, xx, xy, yx, yy] = this.matchOf(cell);
      for (let k = 0; k < PATCH; k++, at += 3) {
        const dx = this.#patch[2 * k];
        const dy = this.#patch[2 * k + 1];
        sum += this.colours.error(x + xx * dx + xy * dy, y + yx * dx + yy * dy, this.#edited, at);
      }
    }
    return sum / (count * count * PATCH);
  }

  /** Of the cells that read elsewhere, the share whose match shrinks something to next to nothing. */
  shrunk(): number {
    const near = (MOVED * 2) / this.colours.size;
    let [moved, shrunk] = [0, 0];
    for (let cell = 0; cell < this.count ** 2; cell++) {
      const match = this.matchOf(cell);
      const across = Math.abs(match[0] - this.centre(cell % this.count));
      const down = Math.abs(match[1] - this.centre(Math.floor(cell / this.count)));
      if (Math.max(across, down) <= near) continue;
      moved++;
      if (leastScale(match) < SHRUNK) shrunk++;
    }
    return shrunk / Math.max(1, moved);
  }

  /** The mean of e/(e + flaw) over the patch; Infinity as soon as that is sure to be above `bound`. */
  #cost(cell: number, match: Match, bound: number): number {
    const [x, y, xx, xy, yx, yy] = match;
    const flaw = this.#flaw;
    const source = this.colours;
    const edited = this.#edited;
    const patch = this.#patch;
    const most = bound * PATCH;
    let sum = 0;
    let at = cell * PATCH * 3;
    for (let k = 0; k < PATCH; k++, at += 3) {
      const dx = patch[2 * k];
      const dy = patch[2 * k + 1];
      const error = source.error(x + xx * dx + xy * dy, y + yx * dx + yy * dy, edited, at);
      sum += error / (error + flaw);
      if (sum > most) return Infinity;
    }
    return sum / PATCH;
  }

  /** Takes a match for a cell if it costs less, `more` added, and its centre stays inside. */
  offer(cell: number, match: Match, more = 0): void {
    if (!(Math.abs(match[0]) <= 1 && Math.abs(match[1]) <= 1)) return;
    const bound = this.#costs[cell] - GAIN - more;
    const cost = this.#cost(cell, match, bound);
    if (!(cost < bound)) return;
    this.#costs[cell] = cost;
    this.matches.set(match, cell * MATCH_NUMBERS);
  }

  /** Offers every cell what `matchFor` writes. */
  offerAll(matchFor: (cell: number, out: Match) => void): void {
    const offered = new Float64Array(MATCH_NUMBERS);
    for (let cell = 0; cell < this.count * this.count; cell++) {
      matchFor(cell, offered);
      this.offer(cell, offered);
    }
  }

  /** A cell's neighbour, clamped to the edge. */
  #beside(cell: number, right: number, down: number): number {
    const last = this.count - 1;
    const column = clamp((cell % this.count) + right, 0, last);
    return clamp(Math.floor(cell / this.count) + down, 0, last) * this.count + column;
  }

  /** The match of one cell, carried on to another. */
  #carryTo(cell: number, from: number, out: Match): void {
    const { count } = this;
    const dx = (2 * ((cell % count) - (from % count))) / count;
    const dy = (2 * (Math.floor(cell / count) - Math.floor(from / count))) / count;
    carry(this.matchOf(from), dx, dy, out);
  }

  /** The share of the cells around one that say something else of its centre, by more than a pixel. */
  #unlike(cell: number, [x, y]: Match): number {
    const far = 2 / this.colours.size;
    const said = this.#said;
    let unlike = 0;
    for (let down = -1; down <= 1; down++) {
      for (let right = -1; right <= 1; right++) {
        if (right === 0 && down === 0) continue;
        this.#carryTo(cell, this.#beside(cell, right, down), said);
        if (Math.abs(said[0] - x) > far || Math.abs(said[1] - y) > far) unlike += 1 / 8;
      }
    }
    return unlike;
  }

  /** Offers every cell the matches of others, carried on to it; cells of one colour of a chessboard together. */
  propagate(strides: readonly number[], price: number): void {
    const { count } = this;
    const carried = new Float64Array(MATCH_NUMBERS);
    const pass = (right: number, down: number, colour: number): void => {
      for (let cell = 0; cell < count * count; cell++) {
        if (((cell % count) + Math.floor(cell / count)) % 2 !== colour) continue;
        this.#carryTo(cell, this.#beside(cell, right, down), carried);
        const more =
          price === 0 ? 0 : price * (this.#unlike(cell, carried) - this.#unlike(cell, this.matchOf(cell)));
        this.offer(cell, carried, more);
      }
    };
    for (const stride of strides) {
      for (const [right, down] of [
        [stride, 0],
        [-stride, 0],
        [0, stride],
        [0, -stride],
      ]) {
        for (const colour of [0, 1]) pass(right, down, colour);
      }
    }
  }

  /** Offers every cell what a Gauss-Newton step makes of its match. */
  improve(): void {
    // Four pixels at the most.
    const far = 8 / this.colours.size;
    const unit = this.#patch[2 * PATCH - 1];
    this.offerAll((cell, out) => {
      const match = this.matchOf(cell);
      out.set(match);
      const change = solveCholesky(...this.#normalEquations(cell, match, unit), MATCH_NUMBERS, 1);
      if (change === undefined) return;
      for (let axis = 0; axis < 2; axis++) {
        const [along, right, down] = change.subarray(3 * axis, 3 * axis + 3);
        out[axis] += clamp(along, -far, far);
        out[2 + 2 * axis] += clamp(right / unit, -LARGEST_TURN, LARGEST_TURN);
        out[3 + 2 * axis] += clamp(down / unit, -LARGEST_TURN, LARGEST_TURN);
      }
    });
  }

  /** Of 1, dx/unit, dy/unit along x, then along y: `[6, 6]` and `[6]`, until the next cell's. */
  #normalEquations(cell: number, match: Match, unit: number): [Float64Array, Float64Array] {
    const [x, y, xx, xy, yx, yy] = match;
    const matrix = this.#matrix.fill(0);
    const right = this.#right.fill(0);
    const basis = this.#basis;
    const found = this.#slopes;
    let at = cell * PATCH * 3;
    for (let k = 0; k < PATCH; k++, at += 3) {
      const dx = this.#patch[2 * k];
      const dy = this.#patch[2 * k + 1];
      this.#sloped.read(x + xx * dx + xy * dy, y + yx * dx + yy * dy, found);
      let error = 0;
      let mxx = 0;
      let mxy = 0;
      let myy = 0;
      let mxe = 0;
      let mye = 0;
      for (let c = 0; c < 3; c++) {
        const across = found[3 * c + 1];
        const down = found[3 * c + 2];
        const rest = this.#edited[at + c] - found[3 * c];
        error += rest * rest;
        mxx += across * across;
        mxy += across * down;
        myy += down * down;
        mxe += across * rest;
        mye += down * rest;
      }
      const lost = 1 + error / (3 * TRUSTED * TRUSTED);
      const weight = 1 / (lost * lost);
      basis[1] = dx / unit;
      basis[2] = dy / unit;
      for (let i = 0; i < 3; i++) {
        right[i] += weight * mxe * basis[i];
        right[3 + i] += weight * mye * basis[i];
        for (let j = 0; j < 3; j++) {
          const product = weight * basis[i] * basis[j];
          matrix[6 * i + j] += mxx * product;
          matrix[6 * (3 + i) + j] += mxy * product;
          matrix[6 * (3 + i) + 3 + j] += myy * product;
        }
      }
    }
    let mean = 0;
    for (let i = 0; i < MATCH_NUMBERS; i++) mean += matrix[7 * i] / MATCH_NUMBERS;
    for (let i = 0; i < MATCH_NUMBERS; i++) matrix[7 * i] += 1e-2 * matrix[7 * i] + 1e-3 * mean + 1e-6;
    return [matrix, right];
  }
}

/** A match carried on to (dx, dy) from its centre. */
export function carry(match: Match, dx: number, dy: number, out: Match): void {
  out.set(match);
  out[0] += match[2] * dx + match[3] * dy;
  out[1] += match[4] * dx + match[5] * dy;
}

/** The smaller singular value of a match's slopes. */
function leastScale([, , xx, xy, yx, yy]: Match): number {
  const squares = (xx * xx + xy * xy + yx * yx + yy * yy) / 2;
  const determinant = xx * yy - xy * yx;
  return Math.sqrt(Math.max(0, squares - Math.sqrt(Math.max(0, squares ** 2 - determinant ** 2))));
}
