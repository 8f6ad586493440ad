import { describe, expect, it } from 'vitest';
import { findBackdrop } from './backdrop-fit';
import type { Area } from './image/planes';
import { shrink } from './image/resize';
import { matOf, mounted } from './mat';
import type { RgbaImage } from './protocol';
import { scene } from './testing/scene';

interface Card {
  readonly sigma: number;
  readonly light: number;
  /** Times as large as what covers it. */
  readonly zoom: number;
  readonly at: Area;
}

/** `[width, height, 3]` of the picture as it covers a size, bilinear, and blurred there tap by tap. */
function covering(u: RgbaImage, width: number, height: number, { sigma, zoom }: Card): Float64Array {
  const scale = zoom * Math.max(width / u.width, height / u.height);
  const placeOf = (at: number, out: number, of: number): number =>
    Math.min(of - 1.001, Math.max(0, (at + 0.5 - out / 2) / scale + of / 2 - 0.5));
  const plain = Float64Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const [left, top] = [placeOf(x, width, u.width), placeOf(y, height, u.height)];
    const at = (dx: number, dy: number): number =>
      u.data[4 * ((Math.floor(top) + dy) * u.width + Math.floor(left) + dx) + (i % 3)];
    const [right, down] = [left % 1, top % 1];
    return (
      (at(0, 0) * (1 - right) + at(1, 0) * right) * (1 - down) +
      (at(0, 1) * (1 - right) + at(1, 1) * right) * down
    );
  });
  const along = (
    values: Float64Array,
    count: number,
    stride: number,
    of: (i: number) => number,
  ): Float64Array =>
    values.map((_, i) => {
      let [sum, weights] = [0, 0];
      const place = of(i);
      for (let k = -Math.ceil(3 * sigma); k <= 3 * sigma; k++) {
        const weight = Math.exp((-k * k) / (2 * sigma * sigma));
        const other = Math.min(count - 1, Math.max(0, place + k));
        sum += weight * values[i + (other - place) * stride];
        weights += weight;
      }
      return sum / weights;
    });
  const across = along(plain, width, 3, (i) => Math.floor(i / 3) % width);
  return along(across, height, 3 * width, (i) => Math.floor(i / 3 / width));
}

/** The picture on itself: blurred and darker behind, and at a place before. */
function onItself(u: RgbaImage, width: number, height: number, card: Card): RgbaImage {
  const { at, light } = card;
  const behind = covering(u, width, height, card);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  behind.forEach((value, i) => (data[4 * Math.floor(i / 3) + (i % 3)] = light * value));
  const before = at.width === u.width ? u : shrink(u, at.width, at.height);
  for (let y = 0; y < at.height; y++)
    data.set(before.data.subarray(4 * y * at.width, 4 * (y + 1) * at.width), 4 * ((y + at.y) * width + at.x));
  return { width, height, data };
}

function framedBy(image: RgbaImage, { x, y, width, height }: Area, wide: number): RgbaImage {
  const data = image.data.slice();
  for (let row = y - wide; row < y + height + wide; row++)
    for (let column = x - wide; column < x + width + wide; column++) {
      const inside = row >= y && row < y + height && column >= x && column < x + width;
      const to = 4 * (row * image.width + column);
      if (!inside) data.fill(255, to, to + 4);
    }
  return { ...image, data };
}

/** Only where the edge of a picture goes on and on does it matter what a pixel of that is. */
function expectAlike(one: RgbaImage, other: RgbaImage): void {
  const offs = one.data.map((value, i) => Math.abs(value - other.data[i]));
  expect(offs.filter((off) => off > 6).length).toBeLessThan(offs.length / 200);
  expect(offs.reduce((sum, off) => sum + off, 0) / offs.length).toBeLessThan(0.5);
}

const a = scene(200, 150);
const b = scene(150, 208, 8);

describe('a backdrop', () => {
  it('is found, and is the other picture behind that', () => {
    const card = { sigma: 5, light: 0.7, zoom: 1.1, at: { x: 0, y: 25, width: 200, height: 150 } };
    const a2 = onItself(a, 200, 200, card);
    const found = findBackdrop(a, a2, card.at);
    expect(found?.fill).toBe('cover');
    expect(found?.zoom).toBeCloseTo(1.1, 1);
    expect(Math.abs((found?.sigma ?? 0) - 5)).toBeLessThan(0.3);
    const mat = matOf(a, a2, card.at);
    if (mat === undefined) throw new Error('there is nothing around a');
    // Nothing of a is kept.
    expect(mat.image.data.some((value) => value !== 0)).toBe(false);
    const at = { x: 29, y: 0, width: 150, height: 208 };
    const result = mounted({ picture: b, b }, mat, { size: { width: 208, height: 208 }, at }, 1);
    expectAlike(result, onItself(b, 208, 208, { ...card, at }));
  });

  it('lies behind a border, which stays as wide', () => {
    const card = { sigma: 7, light: 1, zoom: 1, at: { x: 25, y: 50, width: 200, height: 150 } };
    const a2 = framedBy(onItself(a, 250, 250, card), card.at, 4);
    const mat = matOf(a, a2, card.at);
    if (mat?.backdrop === undefined) throw new Error('the backdrop was not found');
    const at = { x: 54, y: 25, width: 150, height: 208 };
    const size = { width: 258, height: 258 };
    const result = mounted({ picture: b, b }, mat, { size, at }, 1);
    expectAlike(result, framedBy(onItself(b, size.width, size.height, { ...card, at }), at, 4));
  });

  it('is none where what is around a is something else', () => {
    const at = { x: 25, y: 25, width: 200, height: 150 };
    const card = { sigma: 5, light: 1, zoom: 1, at };
    const other = onItself(scene(200, 150, 9), 250, 200, card);
    const grey = new Uint8ClampedArray(other.data.length).map((_, i) =>
      i % 4 === 3 ? 255 : 100 + Math.floor(i / 1000) / 4 + ((i * 7919) % 13),
    );
    for (const a2 of [other, { ...other, data: grey }, framedBy({ ...other, data: grey }, at, 6)]) {
      expect(findBackdrop(a, a2, at)).toBeUndefined();
      expect(matOf(a, a2, at)?.image).toBe(a2);
    }
  });
});
