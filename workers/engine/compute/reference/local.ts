/**
 * The anchor's local lookups: a table of 16 × 16 values that is indexed with a pixel and with how it differs
 * from what is around it, and clamp(T(q, d)) of a row of pixels.
 */
import { LOCAL_KINDS, type LocalKind, type LocalLookup, type Lookup, type Luma } from '../compute';
import { sampledRow, type Row } from './features';
import { blurred } from './fields';
import { luma } from './lookup';

export const LOCAL_SIDE = 16;
const LAST = LOCAL_SIDE - 1;
/** A difference of this much is half way to the last knot. */
const BEND = 0.15;

export function isLocal(lookup: Lookup): lookup is LocalLookup {
  return LOCAL_KINDS.some((kind) => kind === lookup.kind);
}

/** Of its blur, in 1/256 of the image. */
export function sigmaOf(kind: LocalKind): number {
  return Number(kind.split(' ')[2]);
}

/** Whether the channels are indexed by luma, all alike. */
export function sharesIndices(kind: LocalKind): boolean {
  return kind.startsWith('local luma');
}

/** The blur that a local lookup looks at, `[3, S, S]` of a prepared image. */
export function surroundings(kind: LocalKind, planes: Float32Array, size: number): Float32Array<ArrayBuffer> {
  return blurred(planes, size, sigmaOf(kind));
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** Turns colours into values and the blur `around` them into bent differences, in place. */
function indicesOf(values: Float32Array, around: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    const off = values[i] - around[i];
    values[i] = clamp(values[i]);
    around[i] = 0.5 + (0.5 * off) / (Math.abs(off) + BEND);
  }
}

function lumaInto([r, g, b]: Row['colours'], of: Luma | undefined): Float32Array {
  for (let x = 0; x < r.length; x++) r[x] = luma(r[x], g[x], b[x], of);
  return r;
}

function planesOf(image: Float32Array): Row['colours'] {
  const plane = image.length / 3;
  return [image.subarray(0, plane), image.subarray(plane, 2 * plane), image.subarray(2 * plane)];
}

/** The value and the bent difference of every pixel. */
export type Indices = readonly [value: Float32Array, off: Float32Array];

/** The indices of each channel of pixels, three planes, or of one where the channels share them. */
export function localIndices(
  kind: LocalKind,
  of: Luma,
  pixels: Float32Array,
  soft: Float32Array,
): readonly Indices[] {
  const [values, around] = [pixels, soft].map((planes) => planesOf(Float32Array.from(planes)));
  const indices = sharesIndices(kind)
    ? [[lumaInto(values, of), lumaInto(around, of)] as const]
    : values.map((value, c) => [value, around[c]] as const);
  for (const [value, off] of indices) indicesOf(value, off);
  return indices;
}

/** clamp(T(q, d)) of a row, into the three planes of `out`; `around` is `surroundings`, `off` three planes. */
export function localRow(
  row: Row,
  { kind, luma: of, table }: LocalLookup,
  around: Float32Array,
  size: number,
  out: Row['colours'],
  off: Row['colours'],
): void {
  const { width, colours } = row;
  for (let c = 0; c < 3; c++) {
    out[c].set(colours[c].subarray(0, width));
    sampledRow(around.subarray(c * size * size, (c + 1) * size * size), size, row, off[c]);
  }
  if (sharesIndices(kind)) {
    indicesOf(lumaInto(out, of), lumaInto(off, of));
    for (const c of [1, 2] as const) {
      out[c].set(out[0]);
      off[c].set(off[0]);
    }
  } else {
    out.forEach((values, c) => indicesOf(values, off[c]));
  }
  out.forEach((values, c) => lookUp(table, c, values, off[c]));
}

/** Puts channel c of the table in place of the values that it is indexed with. */
function lookUp(table: Float32Array, c: number, values: Float32Array, off: Float32Array): void {
  const [across, down] = [3, 3 * LOCAL_SIDE];
  for (let x = 0; x < values.length; x++) {
    const i = Math.min(LAST - 1, Math.floor(values[x] * LAST));
    const j = Math.min(LAST - 1, Math.floor(off[x] * LAST));
    const s = values[x] * LAST - i;
    const t = off[x] * LAST - j;
    const k = i * down + j * across + c;
    const before = table[k] * (1 - t) + table[k + across] * t;
    const after = table[k + down] * (1 - t) + table[k + down + across] * t;
    values[x] = clamp(before * (1 - s) + after * s);
  }
}
