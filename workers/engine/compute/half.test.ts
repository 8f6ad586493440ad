import { describe, expect, it } from 'vitest';
import { narrowHalf, widenHalf } from './half';

const KNOWN: readonly (readonly [number, number])[] = [
  [0x0000, 0],
  [0x3c00, 1],
  [0xc000, -2],
  [0x3555, 0.333251953125],
  [0x7bff, 65504],
  [0x0400, 2 ** -14],
  [0x03ff, 1023 * 2 ** -24],
  [0x0001, 2 ** -24],
  [0x8001, -(2 ** -24)],
  [0x7c00, Infinity],
  [0xfc00, -Infinity],
];

describe('fp16', () => {
  it.each(KNOWN)('%i is %f, both ways', (bits, value) => {
    expect(widenHalf(Uint16Array.of(bits))[0]).toBe(value);
    expect(narrowHalf(Float32Array.of(value))[0]).toBe(bits);
  });

  it('keeps the sign of zero and NaN', () => {
    expect(Object.is(widenHalf(Uint16Array.of(0x8000))[0], -0)).toBe(true);
    expect(narrowHalf(Float32Array.of(-0))[0]).toBe(0x8000);
    expect(widenHalf(narrowHalf(Float32Array.of(NaN)))[0]).toBeNaN();
  });

  it('brings back every number that fp16 has', () => {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter(
      (half) => (half & 0x7fff) <= 0x7c00,
    );
    expect(narrowHalf(widenHalf(bits))).toEqual(bits);
  });

  it('rounds to nearest, ties to even, and overflows to infinity', () => {
    const ulp = 2 ** -10;
    const values = Float32Array.of(
      1 + ulp / 2,
      1 + 1.5 * ulp,
      1 + 0.51 * ulp,
      65519,
      65520,
      2 ** -25,
      1.01 * 2 ** -25,
      2047.5 * 2 ** -25,
    );
    expect([...narrowHalf(values)]).toEqual([0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0, 1, 0x400]);
  });
});
