import { describe, expect, it } from 'vitest';
import { matchPair } from './patch-match';
import { movedPlanes } from './reference/warp';
import { correspondences, FOLDED, photograph, uniform } from './testing/parity';

const size = 128;
const [a, b] = [photograph(20, size), photograph(40, size)];

/** Peak signal-to-noise ratio in dB. */
function decibels(one: Float32Array, other: Float32Array): number {
  return -10 * Math.log10(one.reduce((sum, value, i) => sum + (value - other[i]) ** 2, 0) / one.length);
}

function swirl(x: number, y: number): readonly [number, number] {
  const angle = 2 * Math.max(0, 1 - Math.hypot(x, y)) ** 2;
  return [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)];
}

describe('matchPair', () => {
  // The same edits, and these bounds, are in training/tests/test_anchor.py.
  it.each([
    ['folded and slid', FOLDED],
    ['swirled', swirl],
    ['four times the whole', (x: number, y: number) => [2 * x - Math.sign(x), 2 * y - Math.sign(y)] as const],
  ])('finds a picture %s, and is as good for another', (_, where) => {
    const warp = correspondences(size, where);
    const matches = matchPair({ a, a2: movedPlanes(a, size, warp), size });
    if (matches === undefined) throw new Error('no match');
    expect(decibels(movedPlanes(b, size, { matches }), movedPlanes(b, size, warp))).toBeGreaterThan(27);
  });

  it('does not explain what is not in the picture', () => {
    expect(matchPair({ a, a2: uniform(9, a.length), size })).toBeUndefined();
  });

  it('does not explain what was painted over, however well flat places of a fit it', () => {
    const plane = size * size;
    const dark = a.map((value, i) => (i % plane < plane / 8 ? 0.02 : value));
    const barred = a.map((value, i) => (i % plane > plane * 0.8 ? 0.02 : value));
    expect(matchPair({ a: dark, a2: barred, size })).toBeUndefined();
  });
});
