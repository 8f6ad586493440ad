import { describe, expect, it } from 'vitest';
import type { RgbaImage } from '../protocol';
import { thin } from './thin';

/** Pixel (x, y) has x in red and y in green. */
function places(width: number, height: number): RgbaImage {
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => {
    const at = Math.floor(i / 4);
    return [at % width, Math.floor(at / width), 0, 255][i % 4];
  });
  return { width, height, data };
}

describe('thin', () => {
  it('keeps every pixel where there are no more', () => {
    const image = places(7, 5);
    expect(thin(image, 7, 5)).toEqual(image);
  });

  it.each([3, 8, 9, 12, 16, 21, 24])('takes from %i columns the same ones mirrored', (width) => {
    const { data } = thin(places(width, 1), Math.min(8, width), 1);
    const columns = [...data].filter((_, i) => i % 4 === 0);
    expect(columns.toReversed().map((x) => width - 1 - x)).toEqual(columns);
    expect(new Set(columns).size).toBe(columns.length);
  });

  it('takes the middle of each part', () => {
    const { data } = thin(places(9, 6), 3, 2);
    expect([0, 1, 2].map((x) => data[x * 4])).toEqual([1, 4, 7]);
    expect([0, 3].map((at) => data[at * 4 + 1])).toEqual([1, 4]);
  });

  it('lays transparent pixels on white', () => {
    const { data } = thin({ width: 1, height: 1, data: Uint8ClampedArray.of(0, 100, 200, 51) }, 1, 1);
    expect([...data]).toEqual([204, 224, 244, 255]);
  });
});
