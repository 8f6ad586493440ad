import { describe, expect, it } from 'vitest';
import { nameOf } from './anchor-fit';
import { createCpuCompute } from './cpu';
import { fitKernel } from './kernel-fit';
import { isKernel, kernelSource, ofMeans } from './reference/kernel';
import { planarSource } from './reference/source';
import { anchorOf, errorOn, grainy, MODEL, SIZE } from './testing/own-pixels';
import { imageOf, rounded, uniform } from './testing/parity';

const PLANE = SIZE * SIZE;
const cpu = createCpuCompute();

/** 3 × 3 shares in the middle of a kernel. */
function kernelOf(shares: readonly number[]): Float32Array {
  const kernel = new Float32Array(81);
  shares.forEach((share, k) => (kernel[(3 + Math.floor(k / 3)) * 9 + 3 + (k % 3)] = share));
  return kernel;
}

const SHARPER = kernelOf([0, -0.4, 0, -0.4, 2.6, -0.4, 0, -0.4, 0]);
const SOFTER = kernelOf([1, 2, 1, 2, 4, 2, 1, 2, 1].map((share) => share / 16));
const SHAKEN = kernelOf([0, 0, 0.4, 0, 0.3, 0, 0.3, 0, 0]);

function filtered(planes: Float32Array, kernel: Float32Array): Float32Array {
  const source = kernelSource(planarSource(planes, SIZE, SIZE), { kernel });
  const colour = new Float64Array(3);
  const out = new Float32Array(3 * PLANE);
  for (let i = 0; i < PLANE; i++) {
    source.pixel(i % SIZE, Math.floor(i / SIZE), colour);
    for (let c = 0; c < 3; c++) out[c * PLANE + i] = colour[c];
  }
  return out;
}

it('filters with the nearest pixels at the edges', () => {
  const a = uniform(3, 3 * PLANE);
  const at = (c: number, x: number, y: number): number => {
    const inside = (value: number): number => Math.min(SIZE - 1, Math.max(0, value));
    return a[c * PLANE + inside(y) * SIZE + inside(x)];
  };
  const kernel = uniform(4, 81, -0.1, 0.1);
  const made = filtered(a, kernel);
  for (const [x, y] of [
    [0, 0],
    [1, 255],
    [255, 3],
    [100, 77],
  ] as const)
    // prettier-ignore
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < 81; k++) sum += kernel[k] * at(c, x + (k % 9) - 4, y + Math.floor(k / 9) - 4);
      expect(made[c * PLANE + y * SIZE + x]).toBeCloseTo(sum, 5);
    }
});

describe.each([
  ['sharpening', SHARPER],
  ['softening', SOFTER],
  ['shaking', SHAKEN],
])('%s', (_, kernel) => {
  it('is found, alone and with a curve on top', async () => {
    const [a, b] = [grainy(1), grainy(40)];
    for (const curve of [(value: number) => value, (value: number) => 0.1 + 0.8 * value ** 1.3]) {
      const edit = (planes: Float32Array): Float32Array =>
        filtered(planes, kernel).map((value) => curve(Math.min(1, Math.max(0, value))));
      const fit = await anchorOf(a, edit(a));
      expect(nameOf(fit)).toMatch(/^kernel/);
      const { warp } = fit;
      if (warp === undefined || !isKernel(warp)) throw new Error('there is no kernel');
      kernel.forEach((share, k) => expect(Math.abs(warp.kernel[k] - share)).toBeLessThan(0.12));
      expect(await errorOn(fit, b, edit(b))).toBeLessThan(1e-4);
    }
  });
});

it('is found where most of what it made is cut off', () => {
  const a = grainy(1);
  const shown = (i: number): boolean => (i % SIZE) % 8 === 0 && Math.floor(i / SIZE) % 8 === 0;
  const a2 = filtered(a, SHARPER).map((value, k) => (shown(k % PLANE) ? value : 0));
  const found = fitKernel({ a: imageOf(a, SIZE), a2: imageOf(rounded(a2), SIZE) });
  SHARPER.forEach((share, k) => expect(Math.abs((found?.kernel[k] ?? NaN) - share)).toBeLessThan(0.12));
});

it('is not found in curves, nor in noise', () => {
  const a = grainy(1);
  const noise = uniform(9, 3 * PLANE, -0.1, 0.1);
  for (const a2 of [a.map((value) => value ** 2), a.map((value, i) => value + noise[i])])
    expect(fitKernel({ a: imageOf(a, SIZE), a2: imageOf(rounded(a2), SIZE) })).toBeUndefined();
});

it('leaves means of pixels as they are', async () => {
  const u = cpu.upload(uniform(1, 3 * MODEL ** 2), [3, MODEL, MODEL], 'u');
  const warp = { kernel: SHARPER };
  expect(await cpu.read(cpu.warp(u, warp))).toEqual(await cpu.read(u));
  expect(ofMeans({ warp }).warp).toBeUndefined();
});
