/** The anchor at the model's size: the Gram matrices of a pair, and the anchor of an image. */
import { ANCHOR_BLOCKS, ANCHOR_COLUMNS, ANCHOR_FEATURES, type Anchor } from '../compute';
import { featureRow, type Row } from './features';
import { anchorFields } from './fields';
import { rowAnchor } from './lookup';
import { planarSource } from './source';
import { movedPlanes } from './warp';

/** Row `y` of a planar image, as the features want it. */
function planarRow(planes: Float32Array, size: number, y: number, base: Pick<Row, 'source' | 'fields'>): Row {
  const at = (c: number): Float32Array => planes.subarray((c * size + y) * size, (c * size + y + 1) * size);
  return { ...base, width: size, size, v: (y + 0.5) / size, colours: [at(0), at(1), at(2)] };
}

/** `[85, S]` columns [φ(a) | a′ − a] of one row. */
export function anchorColumns(row: Row, a2: Row['colours'], out: Float32Array): void {
  const { width, colours } = row;
  for (let f = 0; f < ANCHOR_FEATURES; f++) featureRow(f, row, out.subarray(f * width, (f + 1) * width));
  for (let c = 0; c < 3; c++) {
    const at = (ANCHOR_FEATURES + c) * width;
    for (let x = 0; x < width; x++) out[at + x] = a2[c][x] - colours[c][x];
  }
}

export function anchorGram(a: Float32Array, a2: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const base = { source: planarSource(a, size, size), fields: anchorFields(a, size) };
  const columns = new Float32Array(ANCHOR_COLUMNS * size);
  const square = ANCHOR_COLUMNS * ANCHOR_COLUMNS;
  const sums = new Float64Array(ANCHOR_BLOCKS * ANCHOR_BLOCKS * square);
  for (let y = 0; y < size; y++) {
    anchorColumns(planarRow(a, size, y, base), planarRow(a2, size, y, base).colours, columns);
    const blockRow = Math.floor((y * ANCHOR_BLOCKS) / size);
    for (let blockColumn = 0; blockColumn < ANCHOR_BLOCKS; blockColumn++) {
      const first = Math.ceil((blockColumn * size) / ANCHOR_BLOCKS);
      const end = Math.ceil(((blockColumn + 1) * size) / ANCHOR_BLOCKS);
      const at = (blockRow * ANCHOR_BLOCKS + blockColumn) * square;
      for (let i = 0; i < ANCHOR_COLUMNS; i++) {
        for (let j = 0; j <= i; j++) {
          let sum = 0;
          for (let x = first; x < end; x++) sum += columns[i * size + x] * columns[j * size + x];
          sums[at + i * ANCHOR_COLUMNS + j] += sum;
        }
      }
    }
  }
  for (let at = 0; at < sums.length; at += square) {
    for (let i = 0; i < ANCHOR_COLUMNS; i++) {
      for (let j = 0; j < i; j++) sums[at + j * ANCHOR_COLUMNS + i] = sums[at + i * ANCHOR_COLUMNS + j];
    }
  }
  return new Float32Array(sums);
}

export function anchorApply(u: Float32Array, anchor: Anchor, size: number): Float32Array<ArrayBuffer> {
  const moved = anchor.warp === undefined ? u : movedPlanes(u, size, anchor.warp);
  const painter = rowAnchor(anchor);
  const fields = painter.readsFields ? anchorFields(moved, size) : undefined;
  const base = { source: planarSource(moved, size, size), fields };
  const out = new Float32Array(3 * size * size);
  const scratch = new Float32Array(size);
  for (let y = 0; y < size; y++) {
    painter.row(planarRow(moved, size, y, base), planarRow(out, size, y, base).colours, scratch);
  }
  return out;
}
