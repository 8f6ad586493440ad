/**
 * What an anchor reads of an image's surroundings, at the model's size: fields `[18, S, S]`, fifteen blurred
 * planes (σ-major, then r, g, b) and ∂x, ∂y and the gradient's length of the finest one's luma.
 */
import { clampIndex } from './source';

/** In 1/256 of the image. */
export const BLUR_SIGMAS = [1, 2, 4, 8, 16] as const;
const GRADIENT = 3 * BLUR_SIGMAS.length;
export const FIELDS = GRADIENT + 3;
/** How many of the blurs are features; the widest is for local lookups only. */
export const FEATURE_BLURS = 4;
/** The fields that are the features 46–60. */
export const FEATURE_FIELDS: readonly number[] = [
  ...Array.from({ length: 3 * FEATURE_BLURS }, (_, i) => i),
  GRADIENT,
  GRADIENT + 1,
  GRADIENT + 2,
];

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
function blurRows(
  plane: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  taps: Float64Array,
  out: Float32Array,
): void {
  const radius = (taps.length - 1) / 2;
  const line = new Float64Array(width + 2 * radius + 3);
  const sums = new Float64Array(width + 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width + 2 * radius; x++) line[x] = plane[y * width + clampIndex(x - radius, width)];
    // Four sums at a time, and each tap with its mirror image, so that what was read stays in registers.
    for (let x = 0; x < width; x += 4) {
      const middle = x + radius;
      let right0 = line[middle + 1];
      let right1 = line[middle + 2];
      let right2 = line[middle + 3];
      let left1 = line[middle];
      let left2 = right0;
      let left3 = right1;
      const own = taps[radius];
      let sum0 = own * left1;
      let sum1 = own * right0;
      let sum2 = own * right1;
      let sum3 = own * right2;
      for (let k = 1; k <= radius; k++) {
        const tap = taps[radius + k];
        const left0 = line[middle - k];
        const right3 = line[middle + 3 + k];
        sum0 += tap * (left0 + right0);
        sum1 += tap * (left1 + right1);
        sum2 += tap * (left2 + right2);
        sum3 += tap * (left3 + right3);
        left3 = left2;
        left2 = left1;
        left1 = left0;
        right0 = right1;
        right1 = right2;
        right2 = right3;
      }
      sums[x] = sum0;
      sums[x + 1] = sum1;
      sums[x + 2] = sum2;
      sums[x + 3] = sum3;
    }
    for (let x = 0; x < width; x++) out[x * height + y] = sums[x];
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
  blurPlanes(planes, size, size, (sigma * size) / 256, out);
  return out;
}

/** The Gaussian of `sigma` pixels, edges clamped, of `[3, height, width]` into `out`, which may be the same. */
export function blurPlanes(
  planes: Float32Array,
  width: number,
  height: number,
  sigma: number,
  out: Float32Array,
): void {
  const plane = width * height;
  const taps = gaussianTaps(sigma);
  const turned = new Float32Array(plane);
  for (let c = 0; c < 3; c++) {
    const [first, end] = [c * plane, (c + 1) * plane];
    blurRows(planes.subarray(first, end), { width, height }, taps, turned);
    blurRows(turned, { width: height, height: width }, taps, out.subarray(first, end));
  }
}

/** Fields with the first `blurs` of the blurs; what the others have is zero. */
export function anchorFields(
  planes: Float32Array,
  size: number,
  blurs: number = BLUR_SIGMAS.length,
): Float32Array<ArrayBuffer> {
  const plane = size * size;
  const fields = new Float32Array(FIELDS * plane);
  BLUR_SIGMAS.slice(0, blurs).forEach((sigma, s) =>
    blurPlanes(planes, size, size, (sigma * size) / 256, fields.subarray(3 * s * plane, 3 * (s + 1) * plane)),
  );
  gradientPlanes(fields, size, fields.subarray(GRADIENT * plane));
  return fields;
}

/** Of fields the blur with `sigma`, `[3, S, S]`. */
export function blurOf(fields: Float32Array, size: number, sigma: number): Float32Array {
  const first = 3 * BLUR_SIGMAS.findIndex((each) => each === sigma) * size * size;
  return fields.subarray(first, first + 3 * size * size);
}

/** Of fields the gradient's length, `[S, S]`. */
export function gradientOf(fields: Float32Array, size: number): Float32Array {
  return fields.subarray((FIELDS - 1) * size * size);
}
