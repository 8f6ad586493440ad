import { describe, expect, it } from 'vitest';
import { changeOf, frameFor, holeOf, placeOf, type Change, type Frame, type Size } from './frame';
import { findFrame } from './frame-fit';
import { MAX_PIXELS, MAX_SIDE } from './image/decode';
import { cutOut } from './image/planes';
import { shrink } from './image/resize';
import { matOf, mounted } from './mat';
import type { RgbaImage } from './protocol';
import { scene } from './testing/scene';

const A = { width: 1024, height: 768 };
const UPRIGHT = { width: 768, height: 1024 };

function sizeOf(width: number, height: number): Size {
  return { width, height };
}

function sizes(change: Change, ...pictures: readonly Size[]): number[][] {
  return pictures.map((b) => {
    const { size } = frameFor(change, b);
    return [size.width, size.height];
  });
}

function expectPlace(frame: Frame, b: Size, shares: readonly number[]): void {
  const { left, top, width, height } = placeOf(frame, b);
  [left, top, width, height].forEach((share, k) => expect(share).toBeCloseTo(shares[k] ?? NaN, 9));
}

describe('the size of b′', () => {
  it('is b’s where the shape stays', () => {
    for (const a2 of [A, sizeOf(512, 384), sizeOf(2048, 1536), sizeOf(1000, 760)])
      expect(sizes(changeOf(A, a2, undefined), UPRIGHT)).toEqual([[768, 1024]]);
  });

  it('is stretched as a is, and keeps b’s longer axis of both', () => {
    for (const a2 of [sizeOf(768, 768), sizeOf(400, 400)])
      expect(sizes(changeOf(A, a2, undefined), sizeOf(600, 500), UPRIGHT)).toEqual([
        [450, 500],
        [576, 1024],
      ]);
    expect(sizes(changeOf(A, sizeOf(1536, 768), undefined), sizeOf(600, 500))).toEqual([[900, 500]]);
    for (const other of [sizeOf(1024, 1), sizeOf(300, 900), sizeOf(6000, 4000)])
      expect(sizes(changeOf(A, other, undefined), sizeOf(3, 5))).toEqual([[3, 5]]);
  });

  it('is turned with a', () => {
    const frame = frameFor(changeOf(A, sizeOf(384, 512), undefined), sizeOf(600, 500));
    expect(frame).toMatchObject({ size: sizeOf(500, 600), turned: true });
    expectPlace(frame, sizeOf(600, 500), [0, 11 / 72, 1, 50 / 72]);
  });

  it('has a border as wide along both axes', () => {
    const border = changeOf(A, sizeOf(1126, 870), { scale: 1, left: 51, top: 51 });
    expect(sizes(border, UPRIGHT, sizeOf(2048, 1536))).toEqual([
      [870, 1126],
      [2252, 1740],
    ]);
    expect(frameFor(border, UPRIGHT).at).toEqual({ x: 51, y: 51, ...UPRIGHT });
    // Of an a′ at half the size too.
    const half = changeOf(A, sizeOf(563, 435), { scale: 0.5, left: 25, top: 25 });
    expect(sizes(half, UPRIGHT)).toEqual([[870, 1126]]);
    const polaroid = changeOf(A, sizeOf(1104, 968), { scale: 1, left: 40, top: 40 });
    expect(frameFor(polaroid, UPRIGHT)).toMatchObject({
      size: sizeOf(848, 1224),
      at: { x: 40, y: 40, ...UPRIGHT },
    });
  });

  it('is square, and b not squashed, where a was made square', () => {
    const cut = changeOf(A, sizeOf(768, 768), { scale: 1, left: -128, top: 0 });
    expect(frameFor(cut, UPRIGHT)).toMatchObject({
      size: sizeOf(768, 768),
      kept: { x: 0, y: 128, width: 768, height: 768 },
    });
    const added = changeOf(A, sizeOf(1024, 1024), { scale: 1, left: 0, top: 128 });
    expect(frameFor(added, UPRIGHT)).toMatchObject({
      size: sizeOf(1024, 1024),
      at: { x: 128, y: 0, ...UPRIGHT },
    });
    expect(sizes(added, sizeOf(500, 500))).toEqual([[500, 500]]);
  });

  it('has the shape of a canvas with a on it, and as much around b at the least', () => {
    const canvas = changeOf(A, sizeOf(1280, 1280), { scale: 1, left: 128, top: 256 });
    expect(frameFor(canvas, UPRIGHT)).toMatchObject({
      size: sizeOf(1280, 1280),
      at: { x: 256, y: 128, ...UPRIGHT },
    });
    // As where a shadow falls: below there is more than above.
    const shadowed = changeOf(A, sizeOf(1280, 1280), { scale: 1, left: 128, top: 236 });
    expect(frameFor(shadowed, UPRIGHT).at).toEqual({ x: 256, y: 118, ...UPRIGHT });
    // One of a's own shape leaves b its own.
    const smaller = changeOf(A, sizeOf(1280, 960), { scale: 1, left: 128, top: 96 });
    expect(frameFor(smaller, UPRIGHT)).toMatchObject({
      size: sizeOf(960, 1280),
      at: { x: 96, y: 128, ...UPRIGHT },
    });
    // And one of its size is no larger.
    const within = frameFor(changeOf(A, A, { scale: 0.8, left: 102, top: 77 }), UPRIGHT);
    expect(within).toMatchObject({ size: UPRIGHT, at: { x: 77, y: 102, width: 614, height: 820 } });
    expect(within.unit).toBeCloseTo(1, 2);
  });

  it('loses as much of each axis as a lost', () => {
    const cut = changeOf(A, sizeOf(512, 576), { scale: 1, left: -256, top: -192 });
    expect(frameFor(cut, sizeOf(400, 400))).toMatchObject({
      size: sizeOf(200, 300),
      kept: { x: 100, y: 100, width: 200, height: 300 },
      at: { x: 0, y: 0, width: 200, height: 300 },
    });
    expectPlace(frameFor(cut, sizeOf(400, 400)), sizeOf(400, 400), [-0.5, -1 / 3, 2, 4 / 3]);
    expect(sizes(cut, sizeOf(1, 1))).toEqual([[1, 1]]);
  });

  it('stays within what the engine can do', () => {
    const border = changeOf(A, sizeOf(2048, 1792), { scale: 1, left: 512, top: 512 });
    const { size, at } = frameFor(border, sizeOf(12000, 10000));
    expect(size.width * size.height).toBeLessThanOrEqual(MAX_PIXELS);
    expect(Math.max(size.width, size.height)).toBeLessThanOrEqual(MAX_SIDE);
    expect(size.width / size.height).toBeCloseTo((12000 + 40000 / 3) / (10000 + 40000 / 3), 3);
    expect(at.width / at.height).toBeCloseTo(1.2, 3);
    expect(sizes(changeOf(A, sizeOf(2048, 768), undefined), sizeOf(16000, 10))).toEqual([[16384, 5]]);
  });
});

/** A border of so many pixels, the lower one twice as wide, with a word of bars in the middle of it. */
function bordered({ width, height, data }: RgbaImage, wide: number): RgbaImage {
  const [across, down] = [width + 2 * wide, height + 3 * wide];
  const out = new Uint8ClampedArray(4 * across * down).fill(255);
  for (let y = 0; y < height; y++)
    out.set(data.subarray(4 * y * width, 4 * (y + 1) * width), 4 * ((y + wide) * across + wide));
  for (let y = height + wide + 6; y < height + wide + 14; y++)
    for (let k = -2; k < 3; k++) {
      const x = across / 2 + 6 * k - 2;
      for (let at = y * across + x; at < y * across + x + 4; at++) out.fill(0, 4 * at, 4 * at + 3);
    }
  return { width: across, height: down, data: out };
}

const a = scene(320, 240);

function negative(image: RgbaImage): RgbaImage {
  return { ...image, data: image.data.map((value, i) => (i % 4 === 3 ? value : 255 - value)) };
}

it.each([
  ['within a border', bordered(a, 17), { scale: 1, left: 17, top: 17 }],
  ['in other colours', bordered(negative(a), 17), { scale: 1, left: 17, top: 17 }],
  ['cut', cutOut(a, { x: 31, y: 12, width: 240, height: 200 }), { scale: 1, left: -31, top: -12 }],
  [
    'cut in the middle and made smaller',
    shrink(cutOut(a, { x: 40, y: 0, width: 240, height: 240 }), 150, 150),
    { scale: 0.625, left: -25, top: 0 },
  ],
])('finds a in a′: %s', (_, a2, found) => {
  expect(findFrame(a, a2)).toEqual(found);
});

it.each([
  ['stretched', shrink(a, 240, 240)],
  ['at another size', shrink(a, 200, 150)],
  ['another picture', bordered(scene(150, 330, 8), 17)],
])('does not find a in a′: %s', (_, a2) => {
  expect(findFrame(a, a2)).toBeUndefined();
});

it('finds a in a′ at whatever scale, on a background', () => {
  for (const [scale, left, top] of [
    [0.8, 40, 60],
    [1.03, 31, 52],
    [0.55, 112, 9],
    [1.2, 8, 30],
  ] as const) {
    const small = shrink(a, Math.round(320 * scale), Math.round(240 * scale));
    const a2 = { width: 400, height: 360, data: new Uint8ClampedArray(4 * 400 * 360) };
    a2.data.forEach((_, i) => (a2.data[i] = i % 4 === 3 ? 255 : 90 + Math.floor(i / 1600) / 4));
    for (let y = 0; y < small.height; y++)
      a2.data.set(
        small.data.subarray(4 * y * small.width, 4 * (y + 1) * small.width),
        4 * ((y + top) * 400 + left),
      );
    const found = findFrame(a, a2);
    expect(Math.abs((found?.scale ?? 0) - scale) * 320).toBeLessThan(1);
    expect(Math.abs((found?.left ?? 0) - left)).toBeLessThanOrEqual(1);
    expect(Math.abs((found?.top ?? 0) - top)).toBeLessThanOrEqual(1);
  }
});

/** How many bytes of two pictures differ. */
function differing(one: RgbaImage, other: RgbaImage): number {
  expect([one.width, one.height]).toEqual([other.width, other.height]);
  return one.data.reduce((count, byte, i) => count + (byte === other.data[i] ? 0 : 1), 0);
}

it('puts what is around a around b: as wide, with its type as it was', () => {
  const a2 = bordered(a, 17);
  const found = { scale: 1, left: 17, top: 17 };
  const mat = matOf(a, a2, holeOf(found, a, a2));
  if (mat === undefined) throw new Error('there is nothing around a');
  const change = changeOf(a, a2, found);
  for (const b of [a, scene(240, 331), scene(480, 240)]) {
    const { size, at, unit } = frameFor(change, b);
    expect(differing(mounted({ picture: b, b }, mat, { size, at }, unit), bordered(b, 17))).toBe(0);
  }
  const large = scene(480, 720);
  const frame = frameFor(change, large);
  const { data, width } = mounted({ picture: large, b: large }, mat, frame, frame.unit);
  const inked = Array.from(
    { length: width },
    (_, x) => data[4 * ((frame.size.height - 48) * width + x)] < 128,
  );
  // Twice as large, in the middle: it is 28 pixels wide.
  expect([inked.indexOf(true), inked.lastIndexOf(true) + 1]).toEqual([width / 2 - 28, width / 2 + 28]);
});
