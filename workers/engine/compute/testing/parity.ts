/** One operation on both backends with the same random data: the kernels against the reference. */
import { expect } from 'vitest';
import type { RgbaImage } from '../../protocol';
import {
  WARP_COEFFICIENTS,
  type ChannelWarp,
  type Compute,
  type Correspondences,
  type FullImage,
  type SmoothWarp,
  type Tensor,
} from '../compute';
import { createCpuCompute, type CpuData } from '../cpu';
import { narrowHalf } from '../half';
import { createWebGpuCompute } from '../webgpu';
import { gaussianNoise } from '../../noise';
import type { TestDevice } from './device';

type Type = Tensor<never>['type'];

/** The same tensor on both backends. */
export interface Twin {
  readonly gpu: Tensor<GPUBuffer>;
  readonly cpu: Tensor<CpuData>;
}

export interface ImageTwin {
  readonly gpu: FullImage<GPUBuffer>;
  readonly cpu: FullImage<CpuData>;
  readonly image: RgbaImage;
}

/** Uniform numbers in low..high from a seed. */
export function uniform(seed: number, length: number, low = 0, high = 1): Float32Array<ArrayBuffer> {
  // The error function would be exact; a logistic of a normal number is random enough for tests.
  return Float32Array.from(
    gaussianNoise(seed, length),
    (value) => low + (high - low) / (1 + Math.exp(-1.7 * value)),
  );
}

/** Values as bytes have them, so that an image can hold them. */
export function rounded(values: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value))) / 255);
}

/** Planar `[3, S, S]`, rounded, as an opaque image. */
export function imageOf(planes: Float32Array, size: number): RgbaImage {
  const plane = size * size;
  const data = Uint8ClampedArray.from({ length: 4 * plane }, (_, i) =>
    i % 4 === 3 ? 255 : 255 * planes[(i % 4) * plane + Math.floor(i / 4)],
  );
  return { width: size, height: size, data };
}

/** A picture with large shapes, as photographs have: neighbours are alike. Planar `[3, S, S]`. */
export function picture(seed: number, size: number): Float32Array<ArrayBuffer> {
  const waves = uniform(seed, 24, -1, 1);
  const out = new Float32Array(3 * size * size);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const [a, b, d, e] = waves.subarray(c * 8, c * 8 + 4);
        const p = (x / size) * 9 * a + (y / size) * 7 * b + 5 * d;
        const q = (x / size) * 23 * b - (y / size) * 19 * d + 5 * e;
        out[(c * size + y) * size + x] = 0.5 + 0.3 * Math.sin(p) + 0.2 * Math.sin(q + 2 * Math.sin(p));
      }
    }
  }
  return out;
}

/** Waves over waves, which look alike in no two places: a warp of it can be found. Planar `[3, S, S]`. */
export function photograph(seed: number, size: number): Float32Array<ArrayBuffer> {
  const [one, two, three] = [1, 2, 3].map((k) => picture(seed + k, size));
  return one.map((value, i) => (value + two[i] + three[i]) / 3);
}

/** Reads outside, and from places that bend, but still looks like the picture. */
export function randomWarp(seed: number, outside: SmoothWarp['outside']): SmoothWarp {
  const coefficients = uniform(seed, 2 * WARP_COEFFICIENTS, -0.15, 0.15);
  // Away from the centre, 0.4 of the width.
  coefficients[1] += 0.4;
  coefficients[WARP_COEFFICIENTS + 2] += 0.4;
  return { coefficients, outside, colour: [0.2, 0.9, 0.5] };
}

/** Each place (x, y), in −1..1, reads where `where` says. */
export function correspondences(
  size: number,
  where: (x: number, y: number) => readonly [number, number],
): Correspondences {
  const plane = size * size;
  const matches = new Float32Array(6 * plane);
  const step = 1e-4;
  for (let i = 0; i < plane; i++) {
    const [x, y] = [i % size, Math.floor(i / size)].map((k) => (2 * k + 1) / size - 1);
    const [at, right, down] = [where(x, y), where(x + step, y), where(x, y + step)];
    [0, 1].forEach((axis) => {
      matches[axis * plane + i] = at[axis];
      matches[(2 + 2 * axis) * plane + i] = (right[axis] - at[axis]) / step;
      matches[(3 + 2 * axis) * plane + i] = (down[axis] - at[axis]) / step;
    });
  }
  return { matches };
}

/** Channels apart by up to a quarter of the picture. */
export function randomChannels(seed: number): ChannelWarp {
  return { channels: uniform(seed, 18, -0.25, 0.25) };
}

/** Halves that mirror each other, the lower part slid to one side: what no polynomial is. */
export const FOLDED = (x: number, y: number): readonly [number, number] => [
  Math.abs(x) - (y > 0.2 ? 0.3 : 0),
  0.9 * y,
];

export function noiseImage(seed: number, width: number, height: number): RgbaImage {
  const data = Uint8ClampedArray.from(uniform(seed, width * height * 4, 0, 255));
  return { width, height, data };
}

export class Parity {
  readonly gpu: Compute<GPUBuffer>;
  readonly cpu: Compute<CpuData> = createCpuCompute();
  readonly device: GPUDevice;

  /** Storage types to test on this device. */
  readonly types: readonly Type[];

  /** As on a graphics card, unless `software` says that the device is known to be none. */
  constructor({ device, types }: TestDevice, software = false) {
    this.device = device;
    this.types = types;
    this.gpu = createWebGpuCompute(device, software);
  }

  /** fp16 data is rounded first, so that both backends hold the same numbers. */
  twin(data: Float32Array, dims: readonly number[], type: Type = 'float32'): Twin {
    const given = type === 'float16' ? narrowHalf(data) : data;
    return { gpu: this.gpu.upload(given, dims, 'test'), cpu: this.cpu.upload(given, dims, 'test') };
  }

  image(image: RgbaImage): ImageTwin {
    return { gpu: this.gpu.uploadImage(image, 'test'), cpu: this.cpu.uploadImage(image, 'test'), image };
  }

  async same(gpu: Tensor<GPUBuffer>, cpu: Tensor<CpuData>, tolerance: number): Promise<void> {
    expect(gpu.dims).toEqual(cpu.dims);
    close(await this.gpu.read(gpu), await this.cpu.read(cpu), tolerance);
  }
}

/** Largest difference, absolute below 1 and relative above; NaN counts as infinite. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
    if (!(off <= most)) most = Number.isNaN(off) ? Infinity : off;
  }
  return most;
}

export function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  expect(distance(actual, expected)).toBeLessThanOrEqual(tolerance);
}
