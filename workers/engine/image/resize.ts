/** Making a picture smaller, for results with a maximal side. */
import type { RgbaImage } from '../protocol';

interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** The tent filter of docs/architecture.md, "prepare". */
function tapsFor(from: number, to: number): readonly Taps[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const last = Math.min(from, Math.floor(centre + support + 0.5));
    const weights = new Float64Array(last - first);
    let sum = 0;
    for (let j = first; j < last; j += 1) {
      const weight = Math.max(0, 1 - Math.abs(j - centre + 0.5) / support);
      weights[j - first] = weight;
      sum += weight;
    }
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** The size with this long side, keeping the aspect; never larger than the image, never below 1. */
export function fitWithin(width: number, height: number, maxSide: number): { width: number; height: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Smaller copy, weighted by alpha so that colours of transparent pixels do not bleed in. */
export function shrink(image: RgbaImage, width: number, height: number): RgbaImage {
  const columns = tapsFor(image.width, width);
  const rows = tapsFor(image.height, height);
  const out = new Uint8ClampedArray(width * height * 4);
  const line = new Float64Array(image.width * 4);
  rows.forEach((row, y) => {
    line.fill(0);
    row.weights.forEach((weight, k) => {
      const start = (row.first + k) * image.width * 4;
      for (let i = 0; i < line.length; i += 4) {
        const alpha = weight * (image.data[start + i + 3] ?? 0);
        line[i] = (line[i] ?? 0) + alpha * (image.data[start + i] ?? 0);
        line[i + 1] = (line[i + 1] ?? 0) + alpha * (image.data[start + i + 1] ?? 0);
        line[i + 2] = (line[i + 2] ?? 0) + alpha * (image.data[start + i + 2] ?? 0);
        line[i + 3] = (line[i + 3] ?? 0) + alpha;
      }
    });
    columns.forEach((column, x) => {
      let [r, g, b, a] = [0, 0, 0, 0];
      column.weights.forEach((weight, k) => {
        const i = (column.first + k) * 4;
        r += weight * (line[i] ?? 0);
        g += weight * (line[i + 1] ?? 0);
        b += weight * (line[i + 2] ?? 0);
        a += weight * (line[i + 3] ?? 0);
      });
      out.set(a > 0 ? [r / a, g / a, b / a, a] : [0, 0, 0, 0], (y * width + x) * 4);
    });
  });
  return { width, height, data: out };
}
