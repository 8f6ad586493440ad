import { expect, it } from 'vitest';
import { createCpuCompute } from './cpu';
import { fitAnchor, nameOf } from './anchor-fit';
import { refineLayer } from './layer-paint';
import { wordsOf } from '../noise';
import { picture } from './testing/parity';

const SIZE = 128;

/** A frame of one colour. */
function framed(planes: Float32Array, size: number): Float32Array {
  const colour = [0.9, 0.2, 0.4];
  const width = (12 * size) / SIZE;
  return planes.map((value, k) => {
    const i = k % (size * size);
    const [x, y] = [i % size, Math.floor(i / size)];
    const inside = Math.min(x, y, size - 1 - x, size - 1 - y) >= width;
    return inside ? value : colour[Math.floor(k / (size * size))];
  });
}

const cpu = createCpuCompute();

it('finds a frame, which lies over another picture as it did over a', async () => {
  const [a, b] = [picture(1, SIZE), picture(2, SIZE)];
  const dims = [3, SIZE, SIZE];
  const pair = {
    a: cpu.upload(a, dims, 'a'),
    a2: cpu.upload(framed(a, SIZE), dims, 'a2'),
    pixels: undefined,
  };
  const fit = await fitAnchor(cpu, pair, () => Promise.resolve());
  expect(nameOf(fit)).toBe('layer');
  const layer = fit.layer?.data ?? [];
  const truth = framed(b, SIZE);
  const off = b.map((value, k) => {
    const i = k % (SIZE * SIZE);
    const c = Math.floor(k / (SIZE * SIZE));
    return Math.abs(value * (1 - layer[4 * i + 3] / 255) + layer[4 * i + c] / 255 - truth[k]);
  });
  expect(off.reduce((sum, value) => sum + value, 0) / off.length).toBeLessThan(2e-3);
});

it('finds what was laid under the noise of a JPEG, which is only about it', async () => {
  const a = picture(1, SIZE);
  const word = wordsOf(9);
  const plane = SIZE * SIZE;
  const spot = (i: number): boolean =>
    word(Math.floor((i % SIZE) / 8) + 16 * Math.floor(i / SIZE / 8)) < 0.1 * 2 ** 32;
  const a2 = a.map((value, k) => {
    if (!spot(k % plane)) return value;
    const [x, y] = [k % SIZE, Math.floor((k % plane) / SIZE)];
    const noise = 0.06 * (word(1000 + k) / 2 ** 32 - 0.5);
    const inside = Math.max(Math.abs((x % 8) - 4), Math.abs((y % 8) - 4)) < 3;
    return Math.min(1, Math.max(0, (inside ? 1 : value) + noise));
  });
  const dims = [3, SIZE, SIZE];
  const pair = { a: cpu.upload(a, dims, 'a'), a2: cpu.upload(a2, dims, 'a2'), pixels: undefined };
  const fit = await fitAnchor(cpu, pair, () => Promise.resolve());
  expect(nameOf(fit)).toBe('layer');
  expect(fit.sketch?.trust.least).toBeGreaterThan(0);
});

it('makes a layer sharp at the size of the pair', async () => {
  const own = picture(3, 2 * SIZE);
  const small = picture(1, SIZE);
  const dims = [3, SIZE, SIZE];
  const pair = {
    a: cpu.upload(small, dims, 'a'),
    a2: cpu.upload(framed(small, SIZE), dims, 'a2'),
    pixels: undefined,
  };
  const { sketch } = await fitAnchor(cpu, pair, () => Promise.resolve());
  if (sketch === undefined) throw new Error('no layer was found');
  const change = { u: own, a2: framed(own, 2 * SIZE), width: 2 * SIZE, height: 2 * SIZE };
  const { data } = refineLayer(sketch, change);
  const alpha = (x: number, y: number): number => data[4 * (y * 2 * SIZE + x) + 3];
  expect(alpha(2 * SIZE - 24, SIZE)).toBeGreaterThan(245);
  expect(alpha(2 * SIZE - 25, SIZE)).toBeLessThan(10);
});
