import { describe, expect, it } from 'vitest';
import { fitWithin, shrink } from './resize';

describe('fitWithin', () => {
  it('keeps the aspect and never enlarges', () => {
    expect(fitWithin(4000, 3000, 2000)).toEqual({ width: 2000, height: 1500 });
    expect(fitWithin(400, 300, 2000)).toEqual({ width: 400, height: 300 });
    expect(fitWithin(10000, 3, 100)).toEqual({ width: 100, height: 1 });
  });
});

describe('shrink', () => {
  it('keeps a flat colour and its alpha', () => {
    const data = new Uint8ClampedArray(9 * 7 * 4);
    for (let i = 0; i < data.length; i += 4) data.set([10, 100, 200, 128], i);
    const small = shrink({ width: 9, height: 7, data }, 4, 3);
    for (let i = 0; i < small.data.length; i += 4)
      expect([...small.data.subarray(i, i + 4)]).toEqual([10, 100, 200, 128]);
  });

  it('does not mix in the colour of transparent pixels', () => {
    const data = new Uint8ClampedArray([255, 0, 0, 255, 0, 255, 0, 0, 255, 0, 0, 255, 0, 255, 0, 0]);
    const small = shrink({ width: 2, height: 2, data }, 1, 1);
    expect([...small.data]).toEqual([255, 0, 0, 128]);
  });

  it('averages a checkerboard to grey', () => {
    const side = 64;
    const data = new Uint8ClampedArray(side * side * 4);
    for (let i = 0; i < side * side; i += 1) {
      const value = (i + Math.floor(i / side)) % 2 === 0 ? 0 : 255;
      data.set([value, value, value, 255], i * 4);
    }
    const small = shrink({ width: side, height: side, data }, 8, 8);
    for (let i = 0; i < small.data.length; i += 4)
      expect(Math.abs((small.data[i] ?? 0) - 127.5)).toBeLessThan(2);
  });
});
