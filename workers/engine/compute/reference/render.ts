/** The head at the model's size, and b′ at any size by bands of rows. */
import type { Anchor } from '../compute';
import { planesOf, rowOf, rowPainter } from './anchor';
import type { Row } from './features';
import { headRow, type Head } from './head';
import { planarSource, rgbaRow, rgbaSource, spanAt, type Source } from './source';

type Planes = Row['colours'];

/** The edit (strength 1) at the model's size, planar `[3, S, S]`. */
export function modelEdit(head: Omit<Head, 'source'>, anchorB: Float32Array): Float32Array<ArrayBuffer> {
  const { size, guide } = head;
  const edit = new Float32Array(3 * size * size);
  const whole: Head = { ...head, source: planarSource(guide, size, size) };
  for (let y = 0; y < size; y++) {
    headRow(
      whole,
      size,
      (y + 0.5) / size,
      rowOf(guide, size, y),
      rowOf(anchorB, size, y),
      rowOf(edit, size, y),
    );
  }
  return edit;
}

/** x ← x + (2x̂ − 1 − x)(tNext − t)/(1 − t), in place; `edit` is x̂ in image units. */
export function flowStep(x: Float32Array, edit: Float32Array, t: number, tNext: number): void {
  const step = (tNext - t) / (1 - t);
  for (let i = 0; i < x.length; i++) x[i] += (2 * edit[i] - 1 - x[i]) * step;
}

/** clamp(b + strength·(edit − b)) as a byte, rounded half up as WGSL's pack4x8unorm does. */
export function finish(own: number, edit: number, strength: number): number {
  const value = Math.min(1, Math.max(0, own + strength * (edit - own)));
  return Math.floor(value * 255 + 0.5);
}

/** RGBA8 of a planar pair (b, edit), opaque. */
export function finishModel(
  b: Float32Array,
  edit: Float32Array,
  size: number,
  strength: number,
): Uint8ClampedArray<ArrayBuffer> {
  const plane = size * size;
  const bytes = new Uint8ClampedArray(plane * 4);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) bytes[i * 4 + c] = finish(b[c * plane + i], edit[c * plane + i], strength);
    bytes[i * 4 + 3] = 255;
  }
  return bytes;
}

export interface RenderJob {
  readonly head: Omit<Head, 'source'>;
  readonly image: { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number };
  readonly anchor: Anchor;
  readonly strength: number;
  readonly width: number;
  readonly height: number;
}

/** A renderer that writes rows first..end − 1 of b′ into `out` (the whole image's bytes). */
export function rowRenderer(job: RenderJob): (first: number, end: number, out: Uint8ClampedArray) => void {
  const { head, image, anchor, strength, width, height } = job;
  const source = rgbaSource(image.data, image.width, image.height);
  const whole: Head = { ...head, source };
  const paint = rowPainter(anchor, source, head.guide, head.size);
  const own = planesOf(width);
  const alpha = new Uint8ClampedArray(width);
  const anchored = planesOf(width);
  const edit = planesOf(width);
  return (first, end, out) => {
    for (let y = first; y < end; y++) {
      const v = (y + 0.5) / height;
      ownRow(image, source, width, height, y, own, alpha);
      paint(width, v, own, anchored);
      headRow(whole, width, v, own, anchored, edit);
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * 4;
        for (let c = 0; c < 3; c++) out[at + c] = finish(own[c][x], edit[c][x], strength);
        out[at + 3] = alpha[x];
      }
    }
  };
}

/** b's own colour and alpha along an output row: its pixels as they are when the sizes agree. */
function ownRow(
  image: RenderJob['image'],
  source: Source,
  width: number,
  height: number,
  y: number,
  own: Planes,
  alpha: Uint8ClampedArray,
): void {
  if (width === image.width && height === image.height) {
    rgbaRow(image.data, width, y, own);
    for (let x = 0; x < width; x++) alpha[x] = image.data[(y * width + x) * 4 + 3];
    return;
  }
  const colour = new Float64Array(3);
  const down = spanAt((y + 0.5) / height, image.height, { low: 0, high: 0, rest: 0 });
  const across = { low: 0, high: 0, rest: 0 };
  const alphaAt = (row: number, column: number): number => image.data[(row * image.width + column) * 4 + 3];
  for (let x = 0; x < width; x++) {
    source.sample((x + 0.5) / width, (y + 0.5) / height, colour);
    spanAt((x + 0.5) / width, image.width, across);
    const above =
      alphaAt(down.low, across.low) * (1 - across.rest) + alphaAt(down.low, across.high) * across.rest;
    const below =
      alphaAt(down.high, across.low) * (1 - across.rest) + alphaAt(down.high, across.high) * across.rest;
    alpha[x] = Math.floor(above * (1 - down.rest) + below * down.rest + 0.5);
    for (let c = 0; c < 3; c++) own[c][x] = colour[c];
  }
}
