/**
 * The head of docs/architecture.md, a row of output pixels at a time and at any output size.
 * Guided upsampling is the identity at the model's size, so there is one way for both.
 */
import type { Line } from '../compute';
import { ontoLine } from './line';
import { spanAt, type Source, type Span } from './source';

export const GRID_CHANNELS = 14;
export const MAP_CHANNELS = 5;
const GUIDE_WIDTH = 0.1;
const GUIDE_FLOOR = 1e-3;
/** A g or h of which no byte shows: an anchor that solves the edit leaves such. */
const SHUT = 1 / 2048;

export interface Head {
  /** `[14, G, G]` */
  readonly grid: Float32Array;
  readonly gridSize: number;
  /** `[5, S, S]` */
  readonly maps: Float32Array;
  /** Prepared b, `[3, S, S]`: the guide. */
  readonly guide: Float32Array;
  readonly size: number;
  /** b at its own size, where `drawn` looks. */
  readonly source: Source;
  /** What the edit is brought onto. */
  readonly line?: Line | undefined;
}

type Planes = readonly [Float32Array, Float32Array, Float32Array];

/** Edits row v of `width` pixels: own colours and anchor in, the edit (strength 1) out. */
export function headRow(
  head: Head,
  width: number,
  v: number,
  own: Planes,
  anchor: Planes,
  out: Planes,
): void {
  mixedRow(head, width, v, own, anchor, out);
  if (head.line !== undefined) ontoLine(head.line, out);
}

/** The same, not yet brought onto a line. */
function mixedRow(head: Head, width: number, v: number, own: Planes, anchor: Planes, out: Planes): void {
  const { gridSize, size, source } = head;
  const grid = gridLine(head, v);
  const down = spanAt(v, size, { low: 0, high: 0, rest: 0 });
  const across: Span = { low: 0, high: 0, rest: 0 };
  const delta = new Float64Array(GRID_CHANNELS);
  const maps = new Float64Array(MAP_CHANNELS);
  const moved = new Float64Array(3);
  // What is shut at every tap is the anchor, which is in 0..1: most of many pictures.
  const open = openColumns(head, down);
  for (let c = 0; c < 3; c++) out[c].set(anchor[c]);
  if (!open.includes(1)) return;
  for (let x = 0; x < width; x++) {
    const u = (x + 0.5) / width;
    spanAt(u, size, across);
    if (open[across.low] === 0 && open[across.high] === 0) continue;
    guidedMaps(head, across, down, own[0][x], own[1][x], own[2][x], maps);
    const gate = maps[3];
    const gain = maps[4];
    // The warp is the costly part.
    if (gate !== 0) {
      spanAt(u, gridSize, across);
      for (let c = 0; c < GRID_CHANNELS; c++) {
        delta[c] =
          grid[c * gridSize + across.low] * (1 - across.rest) +
          grid[c * gridSize + across.high] * across.rest;
      }
      source.sample(u + delta[12], v + delta[13], moved);
    }
    for (let c = 0; c < 3; c++) {
      let value = gain * maps[c];
      if (gate === 0) {
        value += anchor[c][x];
      } else {
        const m = c * 4;
        const drawn =
          moved[c] + delta[m] * moved[0] + delta[m + 1] * moved[1] + delta[m + 2] * moved[2] + delta[m + 3];
        value += (1 - gate) * anchor[c][x] + gate * drawn;
      }
      out[c][x] = Math.min(1, Math.max(0, value));
    }
  }
}

/** The grid interpolated to row v, `[14, G]`: done once per row instead of once per pixel. */
function gridLine({ grid, gridSize }: Head, v: number): Float64Array {
  const down = spanAt(v, gridSize, { low: 0, high: 0, rest: 0 });
  const line = new Float64Array(GRID_CHANNELS * gridSize);
  for (let c = 0; c < GRID_CHANNELS; c++) {
    for (let x = 0; x < gridSize; x++) {
      line[c * gridSize + x] =
        grid[(c * gridSize + down.low) * gridSize + x] * (1 - down.rest) +
        grid[(c * gridSize + down.high) * gridSize + x] * down.rest;
    }
  }
  return line;
}

/** For each column of the maps, whether g or h is open in one of the two rows at `down`. */
function openColumns({ maps, size }: Head, down: Span): Uint8Array {
  const plane = size * size;
  const open = new Uint8Array(size);
  for (const first of [3, 4]) {
    for (const row of [down.low, down.high]) {
      const at = first * plane + row * size;
      for (let x = 0; x < size; x++) if (maps[at + x] > SHUT) open[x] = 1;
    }
  }
  return open;
}

/** exp(−d²/(2·0.1²)) for d² in steps of 1/LIKENESSES_PER_UNIT, to where it is nothing beside GUIDE_FLOOR. */
const LIKENESSES_PER_UNIT = 2048;
const LIKENESSES = Float64Array.from({ length: LIKENESSES_PER_UNIT / 2 }, (_, i) =>
  Math.exp(-i / LIKENESSES_PER_UNIT / (2 * GUIDE_WIDTH * GUIDE_WIDTH)),
);

/** Math.exp takes as long as all the rest of a pixel. */
function likenessOf(square: number): number {
  const position = square * LIKENESSES_PER_UNIT;
  const low = Math.floor(position);
  if (low >= LIKENESSES.length - 1) return 0;
  return LIKENESSES[low] + (LIKENESSES[low + 1] - LIKENESSES[low]) * (position - low);
}

function guidedMaps(
  { maps, guide, size }: Head,
  across: Span,
  down: Span,
  r: number,
  g: number,
  b: number,
  out: Float64Array,
): void {
  const plane = size * size;
  out.fill(0);
  let sum = 0;
  for (let tap = 0; tap < 4; tap++) {
    const right = (tap & 1) === 1;
    const low = tap >= 2;
    const bilinear = (right ? across.rest : 1 - across.rest) * (low ? down.rest : 1 - down.rest);
    if (bilinear === 0) continue;
    const i = (low ? down.high : down.low) * size + (right ? across.high : across.low);
    const dr = r - guide[i];
    const dg = g - guide[plane + i];
    const db = b - guide[2 * plane + i];
    const weight = bilinear * (likenessOf(dr * dr + dg * dg + db * db) + GUIDE_FLOOR);
    sum += weight;
    for (let c = 0; c < MAP_CHANNELS; c++) out[c] += weight * maps[c * plane + i];
  }
  for (let c = 0; c < MAP_CHANNELS; c++) out[c] /= sum;
}
