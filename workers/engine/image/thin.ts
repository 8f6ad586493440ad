/** Some of a picture's own pixels, for an anchor that is fitted to pixels and not to their means. */
import type { RgbaImage } from '../protocol';

/**
 * The pixel nearest to the middle of each of `to` equal parts of an axis of `from` pixels. Of two as near
 * the inner one, so that a mirrored picture has the mirrored pixels.
 */
export function middles(from: number, to: number): Int32Array {
  const before = (i: number): number => Math.floor(((i + 0.5) * from) / to);
  return Int32Array.from({ length: to }, (_, i) => (2 * i < to ? before(i) : from - 1 - before(to - 1 - i)));
}

/** `columns` × `rows` pixels of a picture, at most its own, over white. */
export function thin({ width, height, data }: RgbaImage, columns: number, rows: number): RgbaImage {
  const across = middles(width, columns);
  const down = middles(height, rows);
  const out = new Uint8ClampedArray(columns * rows * 4);
  let at = 0;
  for (const y of down) {
    for (const x of across) {
      const from = (y * width + x) * 4;
      const alpha = data[from + 3] / 255;
      // Uint8ClampedArray rounds.
      for (let c = 0; c < 3; c++) out[at + c] = data[from + c] * alpha + 255 * (1 - alpha);
      out[at + 3] = 255;
      at += 4;
    }
  }
  return { width: columns, height: rows, data: out };
}
