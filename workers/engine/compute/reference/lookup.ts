/** The anchor's lookups: what a table is indexed with, and clamp(T(q)) of a row of pixels. */
import { LOOKUP_KNOTS, type Luma, type PointKind, type PointLookup } from '../compute';
import { sampledRow, type Row } from './features';
import { anchorFields, BLUR_SIGMAS, blurOf, gradientOf } from './fields';

const GRADIENT_GAIN = 4;
const LAST = LOOKUP_KNOTS - 1;

type Planes = Row['colours'];

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** What programs make greys with, in order of preference: Rec. 601, Rec. 709, and the mean. */
export const LUMAS = [
  [0.299, 0.587, 0.114],
  [0.2126, 0.7152, 0.0722],
  [1 / 3, 1 / 3, 1 / 3],
] as const satisfies readonly Luma[];

export function luma(r: number, g: number, b: number, of: Luma = LUMAS[0]): number {
  return of[0] * r + of[1] * g + of[2] * b;
}

/** Turns r, g, b (or their blurs, or a gradient in the first plane) into q, in place. */
function indexRow(kind: PointKind, of: Luma | undefined, [r, g, b]: Planes, width: number): void {
  for (let x = 0; x < width; x++) {
    switch (kind) {
      case 'channel':
      case 'soft channel':
        break;
      case 'luma':
      case 'soft luma':
        r[x] = g[x] = b[x] = luma(r[x], g[x], b[x], of);
        break;
      case 'gradient':
        r[x] = g[x] = b[x] = GRADIENT_GAIN * r[x];
        break;
    }
    r[x] = clamp(r[x]);
    g[x] = clamp(g[x]);
    b[x] = clamp(b[x]);
  }
}

/** Whether a lookup of this kind looks at the blurred fields. */
export function looksAtFields(kind: PointKind): boolean {
  return kind !== 'channel' && kind !== 'luma';
}

/** What a kind that looks at fields reads of them, `[3, S, S]`. */
function readFields(kind: PointKind, fields: Float32Array, size: number): Float32Array {
  if (kind !== 'gradient') return blurOf(fields, size, BLUR_SIGMAS[0]);
  const out = new Float32Array(3 * size * size);
  out.set(gradientOf(fields, size));
  return out;
}

/** What a lookup of this kind reads of a prepared image instead of its colours, undefined for none. */
export function lookedAt(kind: PointKind, planes: Float32Array, size: number): Float32Array | undefined {
  return looksAtFields(kind) ? readFields(kind, anchorFields(planes, size, 1), size) : undefined;
}

/** clamp(T(q)) of a row, into the three planes of `out`; `fields` is `lookedAt`. */
export function lookupRow(
  row: Row,
  { kind, luma: of, table }: PointLookup,
  fields: Float32Array | undefined,
  size: number,
  out: Planes,
): void {
  const { width, colours } = row;
  for (let c = 0; c < 3; c++) {
    if (fields === undefined) out[c].set(colours[c].subarray(0, width));
    // A gradient has one plane: indexRow copies it to the others.
    else if (c === 0 || kind !== 'gradient')
      sampledRow(fields.subarray(c * size * size, (c + 1) * size * size), size, row, out[c]);
  }
  indexRow(kind, of, out, width);
  for (let c = 0; c < 3; c++) {
    const plane = out[c];
    for (let x = 0; x < width; x++) {
      const position = plane[x] * LAST;
      const low = Math.min(LAST - 1, Math.floor(position));
      const rest = position - low;
      plane[x] = clamp(table[low * 3 + c] * (1 - rest) + table[low * 3 + 3 + c] * rest);
    }
  }
}

/** q of pixels `[3, S, S]` of an image, of which `fields` are. */
export function lookupIndex(
  kind: PointKind,
  of: Luma | undefined,
  pixels: Float32Array,
  fields: Float32Array,
  size: number,
): Float32Array<ArrayBuffer> {
  const plane = size * size;
  const q = Float32Array.from(looksAtFields(kind) ? readFields(kind, fields, size) : pixels);
  const at = (c: number): Float32Array => q.subarray(c * plane, (c + 1) * plane);
  indexRow(kind, of, [at(0), at(1), at(2)], plane);
  return q;
}
