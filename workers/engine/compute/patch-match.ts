/**
 * Which place of a each place of a′ shows, by PatchMatch with affine patches: cells each hold a match, take over
 * their neighbours' where those fit better, try random ones, and refine theirs by Gauss-Newton, from coarse to
 * fine (docs/architecture.md, "Correspondences"; the same search is training/likewise/patch_match.py). In
 * TypeScript on both backends. Source: Barnes et al. 2009 and 2010.
 */
import { wordsOf } from '../noise';
import { solveCholesky } from './cholesky';
import { MATCH_NUMBERS } from './compute';
import { clamp, withSlopes } from './gauss-newton';
import { mirrored } from './reference/warp';

const SEED = 1;
/** A patch is 7 × 7 pixels of its level. */
const REACH = 3;
const PATCH = (2 * REACH + 1) ** 2;
/** A squared error that counts half, from the coarsest level on. */
const FLAWS = [2e-3, 5e-4, 5e-4] as const;
const ROUNDS = [8, 2, 2] as const;
/** Pixels a cell is wide, in the prepared picture: at the coarsest level, and at the others. */
const CELLS = [8, 4, 4] as const;
/** How many cells away a match is taken over from, at each level. */
const STRIDES = [
  [4, 1],
  [4, 1],
  [8, 4, 2, 1],
] as const;
/**
 * What a match costs at each level that not one of the cells around it agrees with, to a pixel: where nothing is
 * to be seen, what is near decides. Before the finest level it would keep new matches from spreading.
 */
const UNLIKE = [0, 0, 0.1] as const;
const RANDOM = 24;
/** A mean cost at the coarsest level at which nothing more is tried. */
const HOPELESS = 0.65;
const GAIN = 1e-6;
/** A difference that has a quarter of its weight in a Gauss-Newton step. */
const TRUSTED = 0.05;
const LARGEST_TURN = 0.3;
/** A match that shrinks something to less than this has found a flat place, not a place. */
const SHRUNK = 0.3;
const SHRUNK_SHARE = 0.25;
const FLAT = 1.5 / 255;
const FLAT_SIDE = 7;
/** What is flat in a′ and not in a was painted over, and fits any flat place of a. */
const FLATTER = 0.05;
/** How far a match is carried on beyond its cell costs, so that of two alike the nearer is taken. */
const FAR = 0.01;

/** x, y and the slopes, row by row: where a cell's centre reads, and what is about it. */
type Match = Float64Array;

/** The pixel, not rounded, at a position along an axis of `size` pixels; mirrored outside. */
function pixelOf(position: number, size: number): number {
  const place = position >= -1 && position <= 1 ? (position + 1) / 2 : mirrored((position + 1) / 2);
  const pixel = place * size - 0.5;
  return pixel < 0 ? 0 : pixel > size - 1 ? size - 1 : pixel;
}

/** A picture read bilinearly, mirrored outside. */
class Sampler {
  readonly size: number;
  /** `[S, S, 3, 3]` as `withSlopes` makes it. */
  readonly #sloped: Float32Array;
  /** `[S, S, 3]`, of which nearly all is read. */
  readonly #colours: Float32Array;

  constructor(planes: Float32Array, size: number) {
    this.size = size;
    this.#sloped = withSlopes(planes, size);
    this.#colours = Float32Array.from({ length: planes.length }, (_, i) => this.#sloped[3 * i]);
  }

  /** The squared error of a position's colour against `edited[at…at + 2]`, its mean over channels. */
  error(x: number, y: number, edited: Float32Array, at: number): number {
    const { size } = this;
    const colours = this.#colours;
    const column = pixelOf(x, size);
    const row = pixelOf(y, size);
    const left = Math.floor(column);
    const top = Math.floor(row);
    const first = 3 * (top * size + left);
    const right = first + (left < size - 1 ? 3 : 0);
    const down = top < size - 1 ? 3 * size : 0;
    const s = column - left;
    const t = row - top;
    const at00 = (1 - s) * (1 - t);
    const at10 = s * (1 - t);
    const at01 = (1 - s) * t;
    const at11 = s * t;
    const r =
      at00 * colours[first] +
      at10 * colours[right] +
      at01 * colours[first + down] +
      at11 * colours[right + down] -
      edited[at];
    const g =
      at00 * colours[first + 1] +
      at10 * colours[right + 1] +
      at01 * colours[first + down + 1] +
      at11 * colours[right + down + 1] -
      edited[at + 1];
    const b =
      at00 * colours[first + 2] +
      at10 * colours[right + 2] +
      at01 * colours[first + down + 2] +
      at11 * colours[right + down + 2] -
      edited[at + 2];
    return (r * r + g * g + b * b) / 3;
  }

  /** r, g, b at a position, each followed by its derivatives, into `out`. */
  read(x: number, y: number, out: Float64Array): void {
    const { size } = this;
    const sloped = this.#sloped;
    const column = pixelOf(x, size);
    const row = pixelOf(y, size);
    const left = Math.floor(column);
    const top = Math.floor(row);
    const first = 9 * (top * size + left);
    const right = first + (left < size - 1 ? 9 : 0);
    const down = top < size - 1 ? 9 * size : 0;
    const s = column - left;
    const t = row - top;
    for (let i = 0; i < 9; i++) {
      const above = sloped[first + i] * (1 - s) + sloped[right + i] * s;
      const below = sloped[first + down + i] * (1 - s) + sloped[right + down + i] * s;
      out[i] = above * (1 - t) + below * t;
    }
  }
}

/** The cells of one level, and the best match of each so far. */
class Search {
  /** Cells along an axis. */
  readonly cells: number;
  /** `[cells², 6]` */
  readonly matches: Float64Array;
  readonly #costs: Float64Array;
  readonly #source: Sampler;
  readonly #flaw: number;
  /** a′ at every cell's patch, `[cells², 49, 3]`. */
  readonly #edited: Float32Array;
  /** Offsets of a patch's pixels, `[49, 2]`. */
  readonly #patch: Float64Array;
  readonly #said = new Float64Array(MATCH_NUMBERS);

  constructor(
    a: Float32Array,
    a2: Float32Array,
    size: number,
    cells: number,
    flaw: number,
    matchAt: (x: number, y: number, out: Match) => void,
  ) {
    this.cells = cells;
    this.#source = new Sampler(a, size);
    this.#flaw = flaw;
    const side = 2 * REACH + 1;
    this.#patch = Float64Array.from({ length: 2 * PATCH }, (_, i) => {
      const k = i >> 1;
      return ((i % 2 === 0 ? k % side : Math.floor(k / side)) - REACH) * (2 / size);
    });
    const edited = new Sampler(a2, size);
    const found = new Float64Array(9);
    this.#edited = new Float32Array(cells * cells * PATCH * 3);
    this.matches = new Float64Array(cells * cells * MATCH_NUMBERS);
    this.#costs = new Float64Array(cells * cells).fill(Infinity);
    for (let cell = 0, at = 0; cell < cells * cells; cell++) {
      const [x, y] = [this.centre(cell % cells), this.centre(Math.floor(cell / cells))];
      for (let k = 0; k < PATCH; k++) {
        edited.read(x + this.#patch[2 * k], y + this.#patch[2 * k + 1], found);
        for (let c = 0; c < 9; c += 3) this.#edited[at++] = found[c];
      }
      const match = this.matchOf(cell);
      matchAt(x, y, match);
      this.#costs[cell] = this.#cost(cell, match, 1);
    }
  }

  centre(index: number): number {
    return (2 * index + 1) / this.cells - 1;
  }

  matchOf(cell: number): Match {
    return this.matches.subarray(cell * MATCH_NUMBERS, (cell + 1) * MATCH_NUMBERS);
  }

  meanCost(): number {
    return this.#costs.reduce((sum, cost) => sum + cost, 0) / this.#costs.length;
  }

  /** The mean of e/(e + flaw) over the patch; Infinity as soon as that is sure to be above `bound`. */
  #cost(cell: number, match: Match, bound: number): number {
    const [x, y, xx, xy, yx, yy] = match;
    const flaw = this.#flaw;
    const source = this.#source;
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
    for (let cell = 0; cell < this.cells * this.cells; cell++) {
      matchFor(cell, offered);
      this.offer(cell, offered);
    }
  }

  /** A cell's neighbour, clamped to the edge. */
  #beside(cell: number, right: number, down: number): number {
    const last = this.cells - 1;
    const column = clamp((cell % this.cells) + right, 0, last);
    return clamp(Math.floor(cell / this.cells) + down, 0, last) * this.cells + column;
  }

  /** The match of one cell, carried on to another. */
  #carryTo(cell: number, from: number, out: Match): void {
    const { cells } = this;
    const dx = (2 * ((cell % cells) - (from % cells))) / cells;
    const dy = (2 * (Math.floor(cell / cells) - Math.floor(from / cells))) / cells;
    carry(this.matchOf(from), dx, dy, out);
  }

  /** The share of the cells around one that say something else of its centre, by more than a pixel. */
  #unlike(cell: number, [x, y]: Match): number {
    const far = 2 / this.#source.size;
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
    const { cells } = this;
    const carried = new Float64Array(MATCH_NUMBERS);
    const pass = (right: number, down: number, colour: number): void => {
      for (let cell = 0; cell < cells * cells; cell++) {
        if (((cell % cells) + Math.floor(cell / cells)) % 2 !== colour) continue;
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
    const far = 8 / this.#source.size;
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

  /** Of 1, dx/unit, dy/unit along x, then along y: `[6, 6]` and `[6]`. */
  #normalEquations(cell: number, match: Match, unit: number): [Float64Array, Float64Array] {
    const [x, y, xx, xy, yx, yy] = match;
    const matrix = new Float64Array(MATCH_NUMBERS * MATCH_NUMBERS);
    const right = new Float64Array(MATCH_NUMBERS);
    const basis = new Float64Array([1, 0, 0]);
    const found = new Float64Array(9);
    let at = cell * PATCH * 3;
    for (let k = 0; k < PATCH; k++, at += 3) {
      const dx = this.#patch[2 * k];
      const dy = this.#patch[2 * k + 1];
      this.#source.read(x + xx * dx + xy * dy, y + yx * dx + yy * dy, found);
      let [error, mxx, mxy, myy, mxe, mye] = [0, 0, 0, 0, 0, 0];
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
function carry(match: Match, dx: number, dy: number, out: Match): void {
  out.set(match);
  out[0] += match[2] * dx + match[3] * dy;
  out[1] += match[4] * dx + match[5] * dy;
}

/** Means of 2 × 2 pixels, planar `[3, S, S]`. */
export function halved(planes: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const half = Math.floor(size / 2);
  const out = new Float32Array(3 * half * half);
  for (let i = 0; i < out.length; i++) {
    const row = Math.floor(i / half);
    const at = (Math.floor(row / half) * size + 2 * (row % half)) * size + 2 * (i % half);
    out[i] = (planes[at] + planes[at + 1] + planes[at + size] + planes[at + size + 1]) / 4;
  }
  return out;
}

/** Mirrored, upside down, both, and the same turned by a quarter. */
const TURNS = [
  [-1, 0, 0, 1],
  [1, 0, 0, -1],
  [-1, 0, 0, -1],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, -1, 0],
  [0, -1, -1, 0],
] as const;

/** Random matches; numbers in −1..1, a cell's in a row. */
class Draws {
  readonly #search: Search;
  readonly #word = wordsOf(SEED);
  #drawn = 0;

  constructor(search: Search) {
    this.#search = search;
  }

  #next(): number {
    return this.#word(this.#drawn++) / 2 ** 31 - 1;
  }

  /** A random place, turned, scaled and perhaps mirrored. */
  anywhere(): void {
    this.#search.offerAll((_, out) => {
      const [angle, scale, side] = [Math.PI * this.#next(), Math.exp(1.2 * this.#next()), this.#next()];
      const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
      const mirror = side < 0 ? -1 : 1;
      out.set([this.#next(), this.#next(), mirror * cos, -sin, mirror * sin, cos]);
    });
  }

  /** The cell's own match, moved, turned and scaled a little. */
  nearby(reach: number): void {
    this.#search.offerAll((cell, out) => {
      const [x, y, xx, xy, yx, yy] = this.#search.matchOf(cell);
      const [angle, scale] = [Math.PI * reach * this.#next(), Math.exp(reach * this.#next())];
      const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
      out.set([
        x + reach * this.#next(),
        y + reach * this.#next(),
        cos * xx - sin * yx,
        cos * xy - sin * yy,
        sin * xx + cos * yx,
        sin * xy + cos * yy,
      ]);
    });
  }
}

/** The finest level's cells, or undefined where there is no hope. */
function search(a: Float32Array, a2: Float32Array, size: number): Search | undefined {
  const levels = [{ a, a2, size }];
  while (levels.length < FLAWS.length) {
    const finer = levels[0];
    levels.unshift({
      a: halved(finer.a, finer.size),
      a2: halved(finer.a2, finer.size),
      size: Math.floor(finer.size / 2),
    });
  }
  const [coarsest, ...finer] = levels;
  const still = (x: number, y: number, out: Match): void => out.set([x, y, 1, 0, 0, 1]);
  let found = new Search(
    coarsest.a,
    coarsest.a2,
    coarsest.size,
    Math.floor(size / CELLS[0]),
    FLAWS[0],
    still,
  );
  const { cells } = found;
  for (const turn of TURNS) {
    found.offerAll((cell, out) => {
      out.set([0, 0, ...turn]);
      carry(out, found.centre(cell % cells), found.centre(Math.floor(cell / cells)), out);
    });
  }
  const draws = new Draws(found);
  for (let k = 0; k < RANDOM; k++) draws.anywhere();
  for (let round = 0; round < ROUNDS[0]; round++) {
    found.propagate(STRIDES[0], UNLIKE[0]);
    for (let k = 1; k <= 4; k++) draws.nearby(0.5 ** k);
    draws.anywhere();
    found.improve();
    found.improve();
  }
  if (found.meanCost() > HOPELESS) return undefined;
  finer.forEach((level, k) => {
    const coarse = found;
    found = new Search(
      level.a,
      level.a2,
      level.size,
      Math.floor(size / CELLS[k + 1]),
      FLAWS[k + 1],
      (x, y, out) => {
        const [column, row] = [x, y].map((p) => Math.floor(((p + 1) / 2) * coarse.cells));
        carry(
          coarse.matchOf(row * coarse.cells + column),
          x - coarse.centre(column),
          y - coarse.centre(row),
          out,
        );
      },
    );
    for (let round = 0; round < ROUNDS[k + 1]; round++) {
      found.propagate(STRIDES[k + 1], UNLIKE[k + 1]);
      found.improve();
      found.improve();
    }
  });
  found.propagate(STRIDES[2], UNLIKE[2]);
  return found;
}

/** Means of 5 × 5 pixels, of those inside, into `out`. */
function smooth(plane: Float64Array, size: number, out: Float64Array): void {
  const rows = new Float64Array(plane.length);
  const pass = (from: Float64Array, to: Float64Array, along: number, across: number): void => {
    for (let line = 0; line < size; line++) {
      for (let i = 0; i < size; i++) {
        const [first, last] = [Math.max(0, i - 2), Math.min(size - 1, i + 2)];
        let sum = 0;
        for (let k = first; k <= last; k++) sum += from[line * across + k * along];
        to[line * across + i * along] = sum / (last - first + 1);
      }
    }
  };
  pass(plane, rows, 1, size);
  pass(rows, out, size, 1);
}

/** Every pixel's match, `[6, S, S]`: of the 3 × 3 cells around it the one's that fits best near it. */
function ofPixels(found: Search, a: Float32Array, a2: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const { cells } = found;
  const source = new Sampler(a, size);
  const plane = size * size;
  const least = new Float64Array(plane).fill(Infinity);
  const best = new Float32Array(MATCH_NUMBERS * plane);
  const carried = new Float64Array(MATCH_NUMBERS * plane);
  const errors = new Float64Array(plane);
  const costs = new Float64Array(plane);
  const match = new Float64Array(MATCH_NUMBERS);
  const colour = new Float32Array(3);
  const cellOf = (pixel: number, shift: number): number =>
    clamp(Math.floor((pixel * cells) / size) + shift, 0, cells - 1);
  for (const down of [-1, 0, 1]) {
    for (const right of [-1, 0, 1]) {
      const each = (visit: (i: number, dx: number, dy: number, cell: number) => void): void => {
        for (let i = 0; i < plane; i++) {
          const [column, row] = [cellOf(i % size, right), cellOf(Math.floor(i / size), down)];
          const dx = (2 * (i % size) + 1) / size - 1 - found.centre(column);
          const dy = (2 * Math.floor(i / size) + 1) / size - 1 - found.centre(row);
          visit(i, dx, dy, row * cells + column);
        }
      };
      each((i, dx, dy, cell) => {
        carry(found.matchOf(cell), dx, dy, match);
        carried.set(match, i * MATCH_NUMBERS);
        for (let c = 0; c < 3; c++) colour[c] = a2[c * plane + i];
        const error = source.error(match[0], match[1], colour, 0);
        errors[i] = error / (error + FLAWS[2]);
      });
      smooth(errors, size, costs);
      each((i, dx, dy) => {
        const cost = costs[i] + (FAR * cells * Math.max(Math.abs(dx), Math.abs(dy))) / 2;
        if (!(cost < least[i])) return;
        least[i] = cost;
        for (let k = 0; k < MATCH_NUMBERS; k++) best[k * plane + i] = carried[i * MATCH_NUMBERS + k];
      });
    }
  }
  return best;
}

/** The share of places with 7 × 7 pixels around them that are like their neighbours to the right and below. */
function flatShare(planes: Float32Array, size: number): number {
  const side = size - 1;
  const rough = new Uint8Array(side * side);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < rough.length; i++) {
      const at = (c * size + Math.floor(i / side)) * size + (i % side);
      const here = planes[at];
      if (Math.abs(planes[at + 1] - here) > FLAT || Math.abs(planes[at + size] - here) > FLAT) rough[i] = 1;
    }
  }
  const places = side - FLAT_SIDE + 1;
  const isFlat = (top: number, left: number): boolean => {
    for (let y = top; y < top + FLAT_SIDE; y++) {
      for (let x = left; x < left + FLAT_SIDE; x++) if (rough[y * side + x]) return false;
    }
    return true;
  };
  let flat = 0;
  for (let y = 0; y < places; y++) for (let x = 0; x < places; x++) if (isFlat(y, x)) flat++;
  return flat / (places * places);
}

/** The smaller singular value of a match's slopes. */
function leastScale([, , xx, xy, yx, yy]: Match): number {
  const squares = (xx * xx + xy * xy + yx * yx + yy * yy) / 2;
  const determinant = xx * yy - xy * yx;
  return Math.sqrt(Math.max(0, squares - Math.sqrt(Math.max(0, squares ** 2 - determinant ** 2))));
}

/** The matches `[6, S, S]` of a prepared pair, or undefined where a′ does not look like a, rearranged. */
export function matchPair(
  a: Float32Array,
  a2: Float32Array,
  size: number,
): Float32Array<ArrayBuffer> | undefined {
  if (flatShare(a2, size) > flatShare(a, size) + FLATTER) return undefined;
  const found = search(a, a2, size);
  if (found === undefined) return undefined;
  let shrunk = 0;
  const count = found.cells ** 2;
  for (let cell = 0; cell < count; cell++) if (leastScale(found.matchOf(cell)) < SHRUNK) shrunk++;
  return shrunk > SHRUNK_SHARE * count ? undefined : ofPixels(found, a, a2, size);
}
