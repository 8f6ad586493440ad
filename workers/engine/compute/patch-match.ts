/**
 * Which place of a each place of a′ shows, by PatchMatch with affine patches: cells each hold a match, take over
 * their neighbours' where those fit better, try random ones, and refine theirs by Gauss-Newton, from coarse to
 * fine (docs/architecture.md, "Correspondences"; the same search is training/likewise/patch_match.py). In
 * TypeScript on both backends. Source: Barnes et al. 2009 and 2010.
 */
import { wordsOf } from '../noise';
import { MATCH_NUMBERS } from './compute';
import { clamp } from './gauss-newton';
import { carry, Cells } from './match-cells';
import { halved, interleaved } from './pyramid';
import type { Means } from './table-fit';

const SEED = 1;
/**
 * From the coarsest on: how many pixels of the prepared picture a cell is wide, which squared error counts half, and
 * how often matches are taken over from so many cells away and improved. `unlike` is what a match costs that none of
 * the cells around it agrees with, to a pixel: where nothing is to be seen, what is near decides. Before the finest
 * level it would keep new matches from spreading.
 */
const LEVELS = [
  { cell: 8, flaw: 2e-3, rounds: 8, strides: [4, 1], unlike: 0 },
  { cell: 4, flaw: 5e-4, rounds: 2, strides: [4, 1], unlike: 0 },
  { cell: 4, flaw: 5e-4, rounds: 2, strides: [8, 4, 2, 1], unlike: 0.1 },
] as const;
const FINEST = LEVELS[2];
const RANDOM = 24;
/**
 * At the coarsest level: a mean cost, a share of the squared error of a as it is that is left, and a share of flat
 * places found, above which nothing more is tried.
 */
const HOPELESS = { cost: 0.65, left: 0.8, shrunk: 0.6 } as const;
/** Of the cells that read elsewhere, how many may have found flat places: paint is such, from all over a. */
const SHRUNK_SHARE = 0.4;
/** How far a match is carried on beyond its cell costs, so that of two alike the nearer is taken. */
const FAR = 0.01;

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
  readonly #cells: Cells;
  readonly #word = wordsOf(SEED);
  #drawn = 0;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  #next(): number {
    return this.#word(this.#drawn++) / 2 ** 31 - 1;
  }

  /** A random place, turned, scaled and perhaps mirrored. */
  anywhere(): void {
    this.#cells.offerAll((_, out) => {
      const [angle, scale, side] = [Math.PI * this.#next(), Math.exp(1.2 * this.#next()), this.#next()];
      const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
      const mirror = side < 0 ? -1 : 1;
      out.set([this.#next(), this.#next(), mirror * cos, -sin, mirror * sin, cos]);
    });
  }

  /** The cell's own match, moved, turned and scaled a little. */
  nearby(reach: number): void {
    this.#cells.offerAll((cell, out) => {
      const [x, y, xx, xy, yx, yy] = this.#cells.matchOf(cell);
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

/** The coarsest level's cells, matched from nothing, or undefined where there is no hope. */
function begin(level: Means, count: number): Cells | undefined {
  const { flaw, rounds, strides, unlike } = LEVELS[0];
  const cells = new Cells(level, count, flaw, (x, y, out) => out.set([x, y, 1, 0, 0, 1]));
  const before = cells.meanError();
  for (const turn of TURNS) {
    cells.offerAll((cell, out) => {
      out.set([0, 0, ...turn]);
      carry(out, cells.centre(cell % count), cells.centre(Math.floor(cell / count)), out);
    });
  }
  const draws = new Draws(cells);
  for (let k = 0; k < RANDOM; k++) draws.anywhere();
  for (let round = 0; round < rounds; round++) {
    cells.propagate(strides, unlike);
    for (let k = 1; k <= 4; k++) draws.nearby(0.5 ** k);
    draws.anywhere();
    cells.improve();
    cells.improve();
  }
  const hopeless =
    cells.meanCost() > HOPELESS.cost ||
    cells.meanError() > HOPELESS.left * before ||
    cells.shrunk() > HOPELESS.shrunk;
  return hopeless ? undefined : cells;
}

/** The cells of a finer level, from the matches of the coarser one. */
function refine(coarse: Cells, level: Means, count: number, settings: (typeof LEVELS)[1 | 2]): Cells {
  const { flaw, rounds, strides, unlike } = settings;
  const cells = new Cells(level, count, flaw, (x, y, out) => {
    const [column, row] = [x, y].map((position) => Math.floor(((position + 1) / 2) * coarse.count));
    const from = coarse.matchOf(row * coarse.count + column);
    carry(from, x - coarse.centre(column), y - coarse.centre(row), out);
  });
  for (let round = 0; round < rounds; round++) {
    cells.propagate(strides, unlike);
    cells.improve();
    cells.improve();
  }
  return cells;
}

/** The finest level's cells, or undefined where there is no hope. */
function search(pair: Means): Cells | undefined {
  const halfOf = ({ a, a2, size }: Means): Means => ({
    a: halved(a, size),
    a2: halved(a2, size),
    size: Math.floor(size / 2),
  });
  const middle = halfOf(pair);
  const countOf = ({ cell }: (typeof LEVELS)[number]): number => Math.floor(pair.size / cell);
  const coarse = begin(halfOf(middle), countOf(LEVELS[0]));
  if (coarse === undefined) return undefined;
  const cells = refine(
    refine(coarse, middle, countOf(LEVELS[1]), LEVELS[1]),
    pair,
    countOf(LEVELS[2]),
    LEVELS[2],
  );
  cells.propagate(FINEST.strides, FINEST.unlike);
  return cells;
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
function ofPixels(cells: Cells, { a2, size }: Means): Float32Array<ArrayBuffer> {
  const { count } = cells;
  const edited = interleaved(a2);
  const plane = size * size;
  const least = new Float64Array(plane).fill(Infinity);
  const best = new Float32Array(MATCH_NUMBERS * plane);
  const carried = new Float64Array(MATCH_NUMBERS * plane);
  const errors = new Float64Array(plane);
  const costs = new Float64Array(plane);
  const match = new Float64Array(MATCH_NUMBERS);
  const cellOf = (pixel: number, shift: number): number =>
    clamp(Math.floor((pixel * count) / size) + shift, 0, count - 1);

  const tryCells = (right: number, down: number): void => {
    const each = (visit: (i: number, dx: number, dy: number, cell: number) => void): void => {
      for (let i = 0; i < plane; i++) {
        const [column, row] = [cellOf(i % size, right), cellOf(Math.floor(i / size), down)];
        const dx = (2 * (i % size) + 1) / size - 1 - cells.centre(column);
        const dy = (2 * Math.floor(i / size) + 1) / size - 1 - cells.centre(row);
        visit(i, dx, dy, row * count + column);
      }
    };
    each((i, dx, dy, cell) => {
      carry(cells.matchOf(cell), dx, dy, match);
      carried.set(match, i * MATCH_NUMBERS);
      const error = cells.colours.error(match[0], match[1], edited, 3 * i);
      errors[i] = error / (error + FINEST.flaw);
    });
    smooth(errors, size, costs);
    each((i, dx, dy) => {
      const cost = costs[i] + (FAR * count * Math.max(Math.abs(dx), Math.abs(dy))) / 2;
      if (!(cost < least[i])) return;
      least[i] = cost;
      for (let k = 0; k < MATCH_NUMBERS; k++) best[k * plane + i] = carried[i * MATCH_NUMBERS + k];
    });
  };
  for (const down of [-1, 0, 1]) for (const right of [-1, 0, 1]) tryCells(right, down);
  return best;
}

/** The matches `[6, S, S]` of a prepared pair, or undefined where a′ does not look like a, rearranged. */
export function matchPair(pair: Means): Float32Array<ArrayBuffer> | undefined {
  const cells = search(pair);
  return cells === undefined || cells.shrunk() > SHRUNK_SHARE ? undefined : ofPixels(cells, pair);
}
