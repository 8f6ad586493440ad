import { expect, it } from 'vitest';
import { cutBy, unmasked } from './mask';
import type { RgbaImage } from './protocol';

function filled(width: number, height: number, at: (x: number, y: number) => readonly number[]): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(at(x, y), 4 * (y * width + x));
  return { width, height, data };
}

const alphas = ({ data }: RgbaImage): number[] => Array.from(data).filter((_, i) => i % 4 === 3);
const a = filled(4, 2, (x, y) => [50 * x, 100 * y, 7, 255]);
// The left half is cut out, the next column by half, and all of it is edited.
const a2 = filled(4, 2, (x) => [200, 200, 200, [0, 0, 128, 255][x]]);

it('takes apart what was cut out and what was edited', () => {
  const kept = { ...a, data: a.data.map((value, i) => (i % 4 === 3 ? (a2.data[i] ?? 0) : value)) };
  for (const edited of [a2, kept])
    expect(alphas(unmasked(a, edited).mask ?? a)).toEqual([255, 255, 127, 0, 255, 255, 127, 0]);
  // As it was where it is shown, so everywhere; or edited, of which what is not shown says nothing.
  expect(unmasked(a, kept).a2).toEqual(a);
  expect(unmasked(a, a2).a2).toBe(a2);
});

it('leaves alone what is opaque, and an a that one can see through already', () => {
  expect(unmasked(a, a)).toEqual({ a2: a, mask: undefined });
  expect(unmasked(a2, a2)).toEqual({ a2, mask: undefined });
});

it('cuts out of a picture of any size, as much as the strength says', () => {
  const { mask } = unmasked(a, a2);
  if (mask === undefined) throw new Error('nothing was cut out');
  const b = filled(4, 4, () => [1, 2, 3, 200]);
  expect(alphas(cutBy(b, mask, 1)).slice(4, 8)).toEqual([0, 0, 100, 200]);
  expect(alphas(cutBy(b, mask, 2)).slice(4, 8)).toEqual([0, 0, 100, 200]);
  expect(alphas(cutBy(b, mask, 0.5)).slice(0, 4)).toEqual([100, 100, 150, 200]);
  expect(cutBy(b, mask, 0)).toEqual(b);
  // Twice as wide: linear between the middles of its pixels.
  expect(
    alphas(
      cutBy(
        filled(8, 1, () => [0, 0, 0, 255]),
        mask,
        1,
      ),
    ),
  ).toEqual([0, 0, 0, 32, 96, 160, 223, 255]);
});
