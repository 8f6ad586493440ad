/** Pixels as planes. */
import type { RgbaImage } from '../protocol';

/** A part of a picture, in pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The corners of `places` × `places` squares of `side` pixels, spread evenly over a picture, row by row. */
export function cornersIn(
  { width, height }: Pick<RgbaImage, 'width' | 'height'>,
  side: number,
  places: number,
): { readonly x: number; readonly y: number }[] {
  const along = (length: number): number[] =>
    Array.from({ length: places }, (_, k) => Math.round((k * (length - side)) / (places - 1)));
  return along(height).flatMap((y) => along(width).map((x) => ({ x, y })));
}

/** An area of a picture; the picture itself where that is all of it. */
export function cutOut(image: RgbaImage, { x, y, width, height }: Area): RgbaImage {
  if (width === image.width && height === image.height) return image;
  const data = new Uint8ClampedArray(4 * width * height);
  for (let row = 0; row < height; row++) {
    const from = 4 * ((y + row) * image.width + x);
    data.set(image.data.subarray(from, from + 4 * width), 4 * row * width);
  }
  return { width, height, data };
}

/** A picture over white, or an area of it: planar `[3, height, width]` in 0..1. */
export function overWhite(image: RgbaImage, area?: Area): Float32Array<ArrayBuffer> {
  const { x, y, width, height } = area ?? { x: 0, y: 0, width: image.width, height: image.height };
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  for (let row = 0, i = 0; row < height; row++) {
    for (let at = 4 * ((y + row) * image.width + x), end = i + width; i < end; i++, at += 4) {
      const alpha = image.data[at + 3] / 255;
      for (let c = 0; c < 3; c++) out[c * plane + i] = (image.data[at + c] * alpha) / 255 + 1 - alpha;
    }
  }
  return out;
}
