/** The anchor: the Gram matrices of a pair, and the anchor of an image at its own size. */
import type { RgbaImage } from '../../protocol';
import { ANCHOR_BLOCKS, ANCHOR_COLUMNS, ANCHOR_FEATURES, type Anchor } from '../compute';
import { featureRow, type Row } from './features';
import { anchorFields } from './fields';
import { rowAnchor } from './lookup';
import { prepareRows } from './prepare';
import { planarSource, rgbaSource, type Source } from './source';
import { movedPlanes, movedSource } from './warp';

type Planes = Row['colours'];

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

/** Of pixels a and a′ and the prepared a, `[3, S, S]` each. */
export function anchorGram(
  a: Float32Array,
  a2: Float32Array,
  prepared: Float32Array,
  size: number,
): Float32Array<ArrayBuffer> {
  const base = { source: planarSource(a, size, size), fields: anchorFields(prepared, size) };
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

/**
 * An anchor of an image, a row at a time at any size. `own` is the image's own colours along the row at v;
 * without a warp the anchor reads exactly these.
 */
export type RowPainter = (width: number, v: number, own: Planes, out: Planes) => void;

/** `prepared` is the image at the model's size, `[3, S, S]`. */
export function rowPainter(anchor: Anchor, image: Source, prepared: Float32Array, size: number): RowPainter {
  const { warp } = anchor;
  const { readsFields, row: paint } = rowAnchor(anchor);
  const source = warp === undefined ? image : movedSource(image, warp);
  const planes = warp === undefined ? prepared : movedPlanes(prepared, size, warp);
  const fields = readsFields ? anchorFields(planes, size) : undefined;
  let scratch = new Float32Array(0);
  let moved = planesOf(0);
  return (width, v, own, out) => {
    if (scratch.length < width) {
      scratch = new Float32Array(width);
      if (warp !== undefined) moved = planesOf(width);
    }
    if (warp !== undefined) sampleRow(source, width, v, moved);
    paint({ width, v, colours: warp === undefined ? own : moved, source, fields, size }, out, scratch);
  };
}

export function planesOf(width: number): Planes {
  return [new Float32Array(width), new Float32Array(width), new Float32Array(width)];
}

function sampleRow(source: Source, width: number, v: number, out: Planes): void {
  const colour = new Float64Array(3);
  for (let x = 0; x < width; x++) {
    source.sample((x + 0.5) / width, v, colour);
    for (let c = 0; c < 3; c++) out[c][x] = colour[c];
  }
}

/** The anchor of an opaque image at its own size, prepared: `[3, S, S]`, as `prepared` is of the image. */
export function anchorApply(
  { data, width, height }: RgbaImage,
  prepared: Float32Array,
  anchor: Anchor,
  size: number,
): Float32Array<ArrayBuffer> {
  const source = rgbaSource(data, width, height);
  const paint = rowPainter(anchor, source, prepared, size);
  const own = planesOf(width);
  const colour = new Float64Array(3);
  return prepareRows(width, height, size, (y, line) => {
    for (let x = 0; x < width; x++) {
      source.pixel(x, y, colour);
      for (let c = 0; c < 3; c++) own[c][x] = colour[c];
    }
    const at = (c: number): Float32Array => line.subarray(c * width, (c + 1) * width);
    paint(width, (y + 0.5) / height, own, [at(0), at(1), at(2)]);
  });
}
