import { expect, it } from 'vitest';
import { shapedFor } from './layer-shape';
import { wordsOf } from './noise';
import type { RgbaImage } from './protocol';

type Rect = readonly [left: number, top: number, width: number, height: number];
type Rgba = readonly [number, number, number, number];

const FRAME: Rgba = [240, 230, 200, 255];
const LOGO: Rgba = [200, 20, 20, 230];
const TYPE: Rgba = [90, 90, 90, 90];

/** Rectangles, r, g, b times alpha, with edges half as strong. */
function layerOf(width: number, height: number, rects: readonly (readonly [Rect, Rgba])[]): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height);
  for (const [[left, top, across, down], colour] of rects)
    for (let y = Math.max(0, top - 1); y < Math.min(height, top + down + 1); y++)
      for (let x = Math.max(0, left - 1); x < Math.min(width, left + across + 1); x++) {
        const within = x >= left && y >= top && x < left + across && y < top + down;
        for (let c = 0; c < 4; c++) data[4 * (y * width + x) + c] = within ? colour[c] : colour[c] / 2;
      }
  return { width, height, data };
}

/** A frame 12 wide, a logo of 60 × 40 at 30 from the lower right corner, two lines of letters in the middle. */
function poster(width: number, height: number): RgbaImage {
  const letters = Array.from({ length: 18 }, (_, k): [Rect, Rgba] => [
    [width / 2 - 66 + 15 * (k % 9), height / 2 - 20 + 24 * Math.floor(k / 9), 12, 16],
    TYPE,
  ]);
  return layerOf(width, height, [
    [[0, 0, width, 12], FRAME],
    [[0, height - 12, width, 12], FRAME],
    [[0, 0, 12, height], FRAME],
    [[width - 12, 0, 12, height], FRAME],
    [[width - 90, height - 70, 60, 40], LOGO],
    ...letters,
  ]);
}

/** The mean difference of two layers, in 0..255. */
function difference(one: RgbaImage, other: RgbaImage): number {
  expect([one.width, one.height]).toEqual([other.width, other.height]);
  return one.data.reduce((sum, value, i) => sum + Math.abs(value - other.data[i]), 0) / one.data.length;
}

it.each([
  [600, 400],
  [400, 600],
])('turns a poster of %i × %i as its maker would', (width, height) => {
  const size = { width: height, height: width };
  const shaped = shapedFor(poster(width, height), { width, height }, size);
  expect(difference(shaped, poster(height, width))).toBeLessThan(0.3);
});

it('keeps type in the middle of a band that has the noise of a JPEG', () => {
  const word = wordsOf(3);
  const band = (width: number): RgbaImage =>
    layerOf(width, 600, [
      [[0, 400, width, 120], FRAME],
      [[width / 2 - 50, 430, 100, 60], LOGO],
    ]);
  const noisy = band(800);
  noisy.data.forEach((value, i) => {
    if (value > 0) noisy.data[i] = value + 12 * (word(i) / 2 ** 32 - 0.5) * (word(i >> 2) < 2 ** 28 ? 4 : 1);
  });
  const shaped = shapedFor(noisy, noisy, { width: 600, height: 600 });
  expect(difference(shaped, band(600))).toBeLessThan(4);
});

it('knows the shape of a where the layer is a square', () => {
  const square = layerOf(256, 256, [[[180, 200, 32, 24], LOGO]]);
  const shaped = shapedFor(square, { width: 512, height: 256 }, { width: 700, height: 700 });
  // 64 × 24 of a's pixels, 88 and 32 from its edges.
  expect(difference(shaped, layerOf(256, 256, [[[256 - 88 - 64, 200, 64, 24], LOGO]]))).toBeLessThan(0.3);
});

it('keeps flakes round, and spreads them', () => {
  const [width, height] = [400, 600];
  const flakes = Array.from({ length: 60 }, (_, k): [Rect, Rgba] => [
    [20 + 55 * (k % 10), 25 + 60 * Math.floor(k / 10), 8, 8],
    TYPE,
  ]);
  const { data } = shapedFor(
    layerOf(height, width, flakes),
    { width: height, height: width },
    { width, height },
  );
  const longest = (pixel: (i: number) => number): number => {
    let [run, most] = [0, 0];
    for (let i = 0; i < width * height; i++) {
      run = data[4 * pixel(i) + 3] > 0.75 * TYPE[3] ? run + 1 : 0;
      most = Math.max(most, run);
    }
    return most;
  };
  const across = longest((i) => i);
  const down = longest((i) => (i % height) * width + Math.floor(i / height));
  expect([across, down]).toEqual([8, 8]);
  const third = data.length / 3;
  const sums = [0, 1, 2].map((k) =>
    data.subarray(k * third, (k + 1) * third).reduce((sum, value) => sum + value, 0),
  );
  expect(Math.min(...sums) / Math.max(...sums)).toBeGreaterThan(0.8);
});

it('leaves a vignette to be stretched, and every layer of the same shape', () => {
  const vignette = layerOf(300, 200, []);
  for (let i = 0; i < 300 * 200; i++) {
    const [x, y] = [((i % 300) + 0.5) / 150 - 1, (Math.floor(i / 300) + 0.5) / 100 - 1];
    vignette.data[4 * i + 3] = 100 * (x * x + y * y);
  }
  expect(shapedFor(vignette, vignette, { width: 200, height: 300 })).toBe(vignette);
  const same = poster(300, 200);
  expect(shapedFor(same, same, { width: 1503, height: 1000 })).toBe(same);
});
