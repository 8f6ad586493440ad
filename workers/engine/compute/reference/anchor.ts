/** The anchor: the Gram matrices of a pair, and the anchor of an image at its own size. */
import type { RgbaImage } from '../../protocol';
import { ANCHOR_BLOCKS, ANCHOR_COLUMNS, ANCHOR_FEATURES, type Anchor } from '../compute';
import { isCells } from './cells';
import {
  clampRow,
  featureRow,
  FIRST_COPY,
  FIRST_FIELD,
  weightedFields,
  weightedRow,
  type Row,
} from './features';
import { blurred, FEATURE_FIELDS } from './fields';
import { filterRows, isFilters, WIDE } from './filters';
import { addHues, isHue } from './hue';
import { isLocal, localRow, surroundings } from './local';
import { layOver } from './layer';
import { lookedAt, lookupRow } from './lookup';
import { prepareRows } from './prepare';
import { screenRow, softTones } from './screen';
import { planarSource, rgbaRow, rgbaSource, type Source } from './source';
import { movedPlanes, movedSource } from './warp';

type Planes = Row['colours'];

const BLOCKS = ANCHOR_BLOCKS * ANCHOR_BLOCKS;

/** Row y of three planes. */
export function rowOf(planes: Float32Array, size: number, y: number): Planes {
  const at = (c: number): Float32Array => planes.subarray((c * size + y) * size, (c * size + y + 1) * size);
  return [at(0), at(1), at(2)];
}

/**
 * The columns [φ(a) | a′ − a] of the fit by blocks, `[16, 85, n]` with n the pixels of the largest; smaller
 * ones end with zeros. Of pixels a and a′, `[3, S, S]`, and the prepared a's fields.
 */
export function blockColumns(
  a: Float32Array,
  a2: Float32Array,
  fields: Float32Array,
  size: number,
): { readonly data: Float32Array<ArrayBuffer>; readonly dims: readonly [number, number, number] } {
  const plane = size * size;
  const source = planarSource(a, size, size);
  const bounds = Array.from({ length: ANCHOR_BLOCKS + 1 }, (_, k) => Math.ceil((k * size) / ANCHOR_BLOCKS));
  const pixels = Math.ceil(size / ANCHOR_BLOCKS) ** 2;
  const data = new Float32Array(BLOCKS * ANCHOR_COLUMNS * pixels);
  const line = new Float32Array(size);

  /** Row y of one column, which is `values` from `from` on. */
  function put(column: number, y: number, values: Float32Array, from: number): void {
    const blockRow = Math.floor((y * ANCHOR_BLOCKS) / size);
    for (let blockColumn = 0; blockColumn < ANCHOR_BLOCKS; blockColumn++) {
      const [first, end] = [bounds[blockColumn], bounds[blockColumn + 1]];
      const block = blockRow * ANCHOR_BLOCKS + blockColumn;
      const start = (block * ANCHOR_COLUMNS + column) * pixels + (y - bounds[blockRow]) * (end - first);
      for (let x = first; x < end; x++) data[start + x - first] = values[from + x];
    }
  }

  for (let y = 0; y < size; y++) {
    const colours = rowOf(a, size, y);
    const row: Row = { width: size, v: (y + 0.5) / size, colours, source };
    for (let f = 0; f < ANCHOR_FEATURES; f++) {
      if (f >= FIRST_FIELD && f < FIRST_COPY) {
        put(f, y, fields, FEATURE_FIELDS[f - FIRST_FIELD] * plane + y * size);
        continue;
      }
      featureRow(f, row, line);
      put(f, y, line, 0);
    }
    rowOf(a2, size, y).forEach((edited, c) => {
      const own = colours[c];
      for (let x = 0; x < size; x++) line[x] = edited[x] - own[x];
      put(ANCHOR_FEATURES + c, y, line, 0);
    });
  }
  return { data, dims: [BLOCKS, ANCHOR_COLUMNS, pixels] };
}

/** `[16, 85, 85]`: for each block the products of its columns. */
export function anchorGram(
  a: Float32Array,
  a2: Float32Array,
  fields: Float32Array,
  size: number,
): Float32Array<ArrayBuffer> {
  const { data, dims } = blockColumns(a, a2, fields, size);
  const [blocks, columns, pixels] = dims;
  const gram = new Float32Array(blocks * columns * columns);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < columns; i++) {
      const one = (block * columns + i) * pixels;
      for (let j = 0; j <= i; j++) {
        const other = (block * columns + j) * pixels;
        let sum = 0;
        for (let x = 0; x < pixels; x++) sum += data[one + x] * data[other + x];
        gram[(block * columns + i) * columns + j] = sum;
        gram[(block * columns + j) * columns + i] = sum;
      }
    }
  }
  return gram;
}

/**
 * An anchor of an image, a row at a time at any size. `own` is the image's own colours along the row at v;
 * without a warp the anchor reads exactly these.
 */
export type RowPainter = (width: number, v: number, own: Planes, out: Planes) => void;

/** `prepared` is the image at the model's size, `[3, S, S]`. */
export function rowPainter(anchor: Anchor, image: Source, prepared: Float32Array, size: number): RowPainter {
  const { layer } = anchor;
  const under = underPainter(anchor, image, prepared, size);
  if (layer === undefined) return under;
  const lay = layOver(layer);
  return (width, v, own, out) => {
    under(width, v, own, out);
    lay(width, v, out);
  };
}

/** What lies under an anchor's layer. */
function underPainter(anchor: Anchor, image: Source, prepared: Float32Array, size: number): RowPainter {
  const { warp } = anchor;
  const source = warp === undefined ? image : movedSource(image, warp);
  const planes = warp === undefined ? prepared : movedPlanes(prepared, size, warp);
  const paint = painter(anchor, source, planes, size);
  if (warp === undefined) return (width, v, own, out) => paint({ width, v, colours: own, source }, out);
  let moved = planesOf(0);
  return (width, v, _, out) => {
    if (moved[0].length !== width) moved = planesOf(width);
    sampleRow(source, width, v, moved);
    paint({ width, v, colours: moved, source }, out);
  };
}

/** Features, lookup or screen of a row of what the anchor reads. */
function painter(
  { weights, lookup, screen, warp }: Anchor,
  source: Source,
  planes: Float32Array,
  size: number,
): (row: Row, out: Planes) => void {
  if (screen !== undefined) {
    const soft = softTones(screen, planes, size);
    const cells = warp !== undefined && isCells(warp) ? warp : undefined;
    let scratch = new Float32Array(0);
    return (row, out) => {
      if (scratch.length < row.width) scratch = new Float32Array(row.width);
      screenRow(row, screen, soft, cells, size, out, scratch);
    };
  }
  if (lookup === undefined || isHue(lookup)) {
    const fields = weightedFields(weights, planes, size);
    let scratch = new Float32Array(0);
    return (row, out) => {
      if (scratch.length < row.width) scratch = new Float32Array(row.width);
      weightedRow(row, weights, fields, size, out, scratch);
      if (lookup !== undefined) addHues(row.colours, lookup, out);
      out.forEach(clampRow);
    };
  }
  if (isFilters(lookup)) {
    const wide = WIDE.map((sigma) => blurred(planes, size, sigma));
    return filterRows(source, lookup, wide, size);
  }
  if (!isLocal(lookup)) {
    const fields = lookedAt(lookup.kind, planes, size);
    return (row, out) => lookupRow(row, lookup, fields, size, out);
  }
  const around = surroundings(lookup.kind, planes, size);
  let off = planesOf(0);
  return (row, out) => {
    if (off[0].length !== row.width) off = planesOf(row.width);
    localRow(row, lookup, around, size, out, off);
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
  return prepareRows(width, height, size, (y, line) => {
    rgbaRow(data, width, y, own);
    const at = (c: number): Float32Array => line.subarray(c * width, (c + 1) * width);
    paint(width, (y + 0.5) / height, own, [at(0), at(1), at(2)]);
  });
}
