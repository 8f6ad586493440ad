/** `prepare` of docs/architecture.md: an RGBA8 image over white to planar f32 `[3, size, size]`. */
import type { RgbaImage } from '../../protocol';

interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * The normalised tent taps of every output sample of an axis of `from` samples.
 * @param part of which the output is: where it begins, and how long it is
 */
export function tentTaps(
  from: number,
  to: number,
  [start, length]: readonly [number, number] = [0, from],
): Taps[] {
  const scale = length / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(from, Math.floor(centre + support + 0.5));
    const weights = new Float64Array(end - first);
    let sum = 0;
    for (let j = first; j < end; j++) {
      const weight = Math.max(0, 1 - Math.abs(j - centre + 0.5) / support);
      weights[j - first] = weight;
      sum += weight;
    }
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Filters rows of `width` pixels, `height` of them, to `[3, size, size]`. `fill` writes row y's r, g and b,
 * one plane after the other, into `line` (`[3, width]`).
 */
export function prepareRows(
  width: number,
  height: number,
  size: number,
  fill: (y: number, line: Float32Array) => void,
): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(3 * height * size);
  const across = tentTaps(width, size);
  const line = new Float32Array(3 * width);
  for (let y = 0; y < height; y++) {
    fill(y, line);
    for (let c = 0; c < 3; c++) {
      for (let x = 0; x < size; x++) {
        const { first, weights } = across[x];
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * line[c * width + first + k];
        rows[(c * height + y) * size + x] = sum;
      }
    }
  }

  const planes = new Float32Array(3 * size * size);
  const down = tentTaps(height, size);
  const sums = new Float64Array(size);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      const { first, weights } = down[y];
      sums.fill(0);
      for (let k = 0; k < weights.length; k++) {
        const row = (c * height + first + k) * size;
        for (let x = 0; x < size; x++) sums[x] += weights[k] * rows[row + x];
      }
      planes.set(sums, (c * size + y) * size);
    }
  }
  return planes;
}

export function prepare({ width, height, data }: RgbaImage, size: number): Float32Array<ArrayBuffer> {
  return prepareRows(width, height, size, (y, line) => {
    for (let x = 0; x < width; x++) {
      const i = (y * width + x) * 4;
      const alpha = data[i + 3] / 255;
      for (let c = 0; c < 3; c++) line[c * width + x] = (data[i + c] / 255) * alpha + 1 - alpha;
    }
  });
}
