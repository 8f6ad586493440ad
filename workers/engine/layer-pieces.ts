/**
 * The pieces of a layer (docs/architecture.md, "Layer"): a word, a logo, a frame, a flake. Told apart by cells of a few
 * pixels each, since what lies close together belongs together.
 */
import type { RgbaImage } from './protocol';

/** Cells along the longer side; pieces are told apart by cells. */
const CELLS = 384;
/** Of 255: less alpha is nothing. */
const FAINT = 4;
/** Cells of pieces hold more than this share of the alpha that a thousandth of the pixels exceed, on average. */
const CLEAR = 0.12;
const FEW = 1e-3;
/** Pieces belong together within this much of their usual height, and of the shorter side, as far as soft edges go. */
const CLOSE = [0.75, 0.06] as const;
/** A part that covers so much of the shorter side says nothing of the usual height. */
const LARGE = 0.75;

/** From `from` to before `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What lies where in cells of `side` pixels; pieces are numbered from 1, and 0 is what belongs to none. */
export interface Cells {
  readonly side: number;
  readonly columns: number;
  readonly labels: Int32Array;
}

export interface Piece {
  readonly label: number;
  /** In pixels of the layer, x and y: the piece, and its soft edges too. */
  readonly box: readonly [Range, Range];
  readonly whole: readonly [Range, Range];
}

/** Numbers the parts of a mask that hang together, corners too, from 1. */
function numbered(mask: Uint8Array, columns: number): { labels: Int32Array<ArrayBuffer>; count: number } {
  const labels = new Int32Array(mask.length);
  const open: number[] = [];
  let count = 0;
  mask.forEach((taken, first) => {
    if (taken === 0 || labels[first] > 0) return;
    labels[first] = ++count;
    open.push(first);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const x = at % columns;
      for (let row = at - x - columns; row <= at - x + columns; row += columns) {
        for (let column = Math.max(0, x - 1); column <= Math.min(columns - 1, x + 1); column++) {
          const next = row + column;
          if (mask[next] !== 1 || labels[next] > 0) continue;
          labels[next] = count;
          open.push(next);
        }
      }
    }
  });
  return { labels, count };
}

/** The mask and the cells next to it. */
function grown(mask: Uint8Array, columns: number): Uint8Array<ArrayBuffer> {
  const along = mask.map((taken, i) =>
    taken || (i % columns > 0 && mask[i - 1]) || ((i + 1) % columns > 0 && mask[i + 1]) ? 1 : 0,
  );
  return Uint8Array.from(along, (taken, i) =>
    taken || along[i - columns] === 1 || along[i + columns] === 1 ? 1 : 0,
  );
}

/** Where the cells of each label are that are in the mask, in cells. */
function boxesOf(mask: Uint8Array, labels: Int32Array, columns: number, count: number): [Range, Range][] {
  const ends = Array.from({ length: count }, () => [columns, -1, mask.length, -1]);
  mask.forEach((taken, i) => {
    if (taken === 0) return;
    const end = ends[labels[i] - 1];
    const x = i % columns;
    const y = Math.floor(i / columns);
    end[0] = Math.min(end[0], x);
    end[1] = Math.max(end[1], x);
    end[2] = Math.min(end[2], y);
    end[3] = Math.max(end[3], y);
  });
  return ends.map(([left, right, top, bottom]) => [
    { from: left, to: right + 1 },
    { from: top, to: bottom + 1 },
  ]);
}

export function lengthOf({ from, to }: Range): number {
  return to - from;
}

/** Gives the cells of `mask` that numbered ones reach in it, in so many steps, the number of the nearest. */
function spread(labels: Int32Array, mask: Uint8Array, columns: number, steps: number): void {
  let front = [...labels.keys()].filter((i) => labels[i] > 0);
  for (let step = 0; step < steps; step++) {
    const next: number[] = [];
    for (const i of front) {
      for (const at of [
        i % columns > 0 ? i - 1 : i,
        (i + 1) % columns > 0 ? i + 1 : i,
        i - columns,
        i + columns,
      ]) {
        if (mask[at] !== 1 || labels[at] > 0) continue;
        labels[at] = labels[i];
        next.push(at);
      }
    }
    front = next;
  }
}

/** The cells in which there is any alpha, and those in which it is clear: the others are noise or soft edges. */
function cellsWith({ data, width, height }: RgbaImage, side: number): { any: Uint8Array; clear: Uint8Array } {
  const columns = Math.ceil(width / side);
  const any = new Uint8Array(columns * Math.ceil(height / side));
  const sums = new Float64Array(any.length);
  const counts = new Uint32Array(256);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / side) * columns;
    for (let x = 0; x < width; x++) {
      const alpha = data[4 * (y * width + x) + 3];
      const cell = row + Math.floor(x / side);
      counts[alpha]++;
      sums[cell] += alpha;
      if (alpha > FAINT) any[cell] = 1;
    }
  }
  let most = 255;
  for (let more = counts[255]; more < FEW * width * height && most > 0; more += counts[most]) most--;
  const least = side * side * Math.max(FAINT, CLEAR * most);
  return { any, clear: any.map((_, i) => (sums[i] > least ? 1 : 0)) };
}

/** The height of parts below `least` in the middle of them by area: of letters, say, between specks and a logo. */
function usualOf(mask: Uint8Array, columns: number, least: number): number {
  const { labels, count } = numbered(mask, columns);
  const heights = boxesOf(mask, labels, columns, count)
    .map(([x, y]) => Math.min(lengthOf(x), lengthOf(y)))
    .filter((height) => height < least)
    .sort((one, other) => one - other);
  let rest = heights.reduce((sum, height) => sum + height ** 2, 0) / 2;
  return heights.find((height) => (rest -= height ** 2) <= 0) ?? 0;
}

/** The pieces of a layer, and where they lie. */
export function piecesOf(layer: RgbaImage): { cells: Cells; pieces: Piece[] } {
  const { width, height } = layer;
  const side = Math.ceil(Math.max(width, height) / CELLS);
  const columns = Math.ceil(width / side);
  const { any, clear } = cellsWith(layer, side);
  const shorter = Math.min(columns, clear.length / columns);
  const usual = usualOf(clear, columns, LARGE * shorter);
  // As far as half of the way to the next, and at least the soft edge of a piece.
  const reach = Math.max(1, Math.round(Math.min(CLOSE[0] * usual, CLOSE[1] * shorter) / 2));
  let wide = clear;
  for (let i = 0; i < reach; i++) wide = grown(wide, columns);
  const { labels, count } = numbered(wide, columns);
  spread(labels, any, columns, Math.round(CLOSE[1] * shorter));
  const scaled = ([x, y]: [Range, Range]): [Range, Range] => [
    { from: x.from * side, to: Math.min(width, x.to * side) },
    { from: y.from * side, to: Math.min(height, y.to * side) },
  ];
  const boxes = boxesOf(clear, labels, columns, count);
  const whole = boxesOf(
    any.map((_, i) => (labels[i] > 0 ? 1 : 0)),
    labels,
    columns,
    count,
  );
  const pieces = boxes.map((box, k) => ({ label: k + 1, box: scaled(box), whole: scaled(whole[k]) }));
  return { cells: { side, columns, labels }, pieces };
}

/** The piece at a pixel, or 0. */
export function labelAt({ side, columns, labels }: Cells, x: number, y: number): number {
  return labels[Math.floor(y / side) * columns + Math.floor(x / side)];
}
