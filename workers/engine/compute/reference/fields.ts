/**
 * The anchor features 46–60 as images at the model's size: `[15, S, S]`, twelve blurred planes
 * (σ-major, then r, g, b) and ∂x, ∂y and the gradient's length of the finest one's luma.
 */
import { clampIndex } from './source';

export const FIELDS = 15;
export const BLUR_SIGMAS = [1, 2, 4, 8] as const;

/** Normalised Gaussian weights for taps −R..R; `sigma` in pixels. */
export function gaussianTaps(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  const weights = new Float64Array(2 * radius + 1);
  let sum = 0;
  for (let k = -radius; k <= radius; k++) {
    weights[k + radius] = Math.exp((-k * k) / (2 * sigma * sigma));
    sum += weights[k + radius];
  }
  return weights.map((weight) => weight / sum);
}

/** Blurs every row of a plane and writes it as a column, so that doing it twice blurs both ways. */
function blurRows(plane: Float32Array, size: number, taps: Float64Array, out: Float32Array): void {
  const radius = (taps.length - 1) / 2;
  const line = new Float64Array(size + 2 * radius);
  const sums = new Float64Array(size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < line.length; x++) line[x] = plane[y * size + clampIndex(x - radius, size)];
    for (let x = 0; x < size; x++) sums[x] = taps[radius] * line[x + radius];
    // Two taps and their mirror images at a time along the whole row: several times faster than by pixels.
    for (let k = 1; k <= radius; k += 2) {
      const near = taps[radius + k];
      const far = k < radius ? taps[radius + k + 1] : 0;
      const [right, left] = [radius + k, radius - k];
      const [further, back] = k < radius ? [right + 1, left - 1] : [right, left];
      for (let x = 0; x < size; x++)
        sums[x] += near * (line[x + right] + line[x + left]) + far * (line[x + further] + line[x + back]);
    }
    for (let x = 0; x < size; x++) out[x * size + y] = sums[x];
  }
}

function gradientPlanes(soft: Float32Array, size: number, out: Float32Array): void {
  const plane = size * size;
  const luma = (x: number, y: number): number => {
    const i = clampIndex(y, size) * size + clampIndex(x, size);
    return 0.299 * soft[i] + 0.587 * soft[plane + i] + 0.114 * soft[2 * plane + i];
  };
  const step = size / 256 / 2;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const dx = (luma(x + 1, y) - luma(x - 1, y)) * step;
      const dy = (luma(x, y + 1) - luma(x, y - 1)) * step;
      const i = y * size + x;
      out[i] = dx;
      out[plane + i] = dy;
      out[2 * plane + i] = Math.sqrt(dx * dx + dy * dy + 1e-8);
    }
  }
}

/** The Gaussian of `sigma`/256 of the image, `[3, S, S]`. */
export function blurred(planes: Float32Array, size: number, sigma: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(3 * size * size);
  blurPlanes(planes, size, sigma, out);
  return out;
}

function blurPlanes(planes: Float32Array, size: number, sigma: number, out: Float32Array): void {
  const plane = size * size;
  const taps = gaussianTaps((sigma * size) / 256);
  const turned = new Float32Array(plane);
  for (let c = 0; c < 3; c++) {
    const [first, end] = [c * plane, (c + 1) * plane];
    blurRows(planes.subarray(first, end), size, taps, turned);
    blurRows(turned, size, taps, out.subarray(first, end));
  }
}

export function anchorFields(planes: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const plane = size * size;
  const fields = new Float32Array(FIELDS * plane);
  BLUR_SIGMAS.forEach((sigma, s) => blurPlanes(planes, size, sigma, fields.subarray(s * 3 * plane)));
  gradientPlanes(fields, size, fields.subarray(12 * plane));
  return fields;
}

/** The fields that lookups look at: the finest blur `[3, S, S]` and the gradient's length `[S, S]`. */
export function finestFields(
  planes: Float32Array,
  size: number,
): { readonly blurred: Float32Array; readonly gradient: Float32Array } {
  const plane = size * size;
  const soft = blurred(planes, size, BLUR_SIGMAS[0]);
  const slopes = new Float32Array(3 * plane);
  gradientPlanes(soft, size, slopes);
  return { blurred: soft, gradient: slopes.subarray(2 * plane) };
}
