/** Making a picture smaller, for results with a maximal side. */
import { tentTaps } from '../compute/reference/prepare';
import type { RgbaImage } from '../protocol';
import type { Area } from './planes';

/** The size with this long side, keeping the aspect; never larger than the image, never below 1. */
export function fitWithin(width: number, height: number, maxSide: number): { width: number; height: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Adds `factor` times a row of pixels to `line`, colours weighted by alpha. */
function addRow(line: Float64Array, data: Uint8ClampedArray, start: number, factor: number): void {
  for (let i = 0; i < line.length; i += 4) {
    const alpha = factor * data[start + i + 3];
    line[i] += alpha * data[start + i];
    line[i + 1] += alpha * data[start + i + 1];
    line[i + 2] += alpha * data[start + i + 2];
    line[i + 3] += alpha;
  }
}

/**
 * Smaller copy, or the picture itself where that is all of it at its size, weighted by alpha so that colours of
 * transparent pixels do not bleed in.
 * @param area of which; its sides may be between pixels
 */
export function shrink(image: RgbaImage, width: number, height: number, area?: Area): RgbaImage {
  if (area === undefined && width === image.width && height === image.height) return image;
  const columns = tentTaps(image.width, width, area && [area.x, area.width]);
  const rows = tentTaps(image.height, height, area && [area.y, area.height]);
  const data = new Uint8ClampedArray(width * height * 4);
  const line = new Float64Array(image.width * 4);
  let at = 0;
  for (const { first, weights } of rows) {
    line.fill(0);
    for (let k = 0; k < weights.length; k += 1) {
      addRow(line, image.data, (first + k) * image.width * 4, weights[k]);
    }
    for (const column of columns) {
      let r = 0;
      let g = 0;
      let b = 0;
      let a = 0;
      for (let k = 0; k < column.weights.length; k += 1) {
        const i = (column.first + k) * 4;
        const weight = column.weights[k];
        r += weight * line[i];
        g += weight * line[i + 1];
        b += weight * line[i + 2];
        a += weight * line[i + 3];
      }
      if (a > 0) {
        data[at] = r / a;
        data[at + 1] = g / a;
        data[at + 2] = b / a;
        data[at + 3] = a;
      }
      at += 4;
    }
  }
  return { width, height, data };
}
