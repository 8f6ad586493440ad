import { describe, expect, it } from 'vitest';
import { WARP_COEFFICIENTS, type SmoothWarp } from './compute';
import { movedPlanes } from './reference/warp';
import { close, photograph, picture, uniform } from './testing/parity';
import { fitChannels, fitWarp, matched } from './warp-fit';

/** An affine warp: x reads at x + d[0][0] + d[0][1]·x + d[0][2]·y, and y likewise. */
function affine(d: readonly (readonly number[])[], outside: SmoothWarp['outside'] = 'mirror'): SmoothWarp {
  const coefficients = new Float32Array(2 * WARP_COEFFICIENTS);
  d.forEach((row, axis) => coefficients.set(row, axis * WARP_COEFFICIENTS));
  return { coefficients, outside, colour: [0.9, 0.1, 0.4] };
}

/** Peak signal-to-noise ratio in dB. */
function decibels(one: Float32Array, other: Float32Array): number {
  return -10 * Math.log10(one.reduce((sum, value, i) => sum + (value - other[i]) ** 2, 0) / one.length);
}

describe('fitWarp', () => {
  const size = 64;
  const [a, b] = [photograph(20, size), photograph(40, size)];

  it.each([
    [
      'zoomed',
      affine([
        [0.05, -0.3],
        [0, 0, -0.3],
      ]),
    ],
    [
      'turned',
      affine([
        [0, -0.2, -0.25],
        [0.1, 0.25, -0.2],
      ]),
    ],
    [
      'shrunk',
      affine([
        [0, 0.3],
        [0.1, 0, 0.3],
      ]),
    ],
    ['shifted round', affine([[0.375], [-0.25]], 'wrap')],
    [
      'shrunk onto a colour',
      affine(
        [
          [0, 0.3],
          [0, 0, 0.3],
        ],
        'colour',
      ),
    ],
  ])('finds a picture %s, and is as good for another', (_, warp) => {
    const found = fitWarp({ a, a2: movedPlanes(a, size, warp), size });
    expect(found.warp.outside).toBe(warp.outside);
    expect(found.left).toBeLessThan(0.05);
    expect(decibels(movedPlanes(b, size, found.warp), movedPlanes(b, size, warp))).toBeGreaterThan(32);
    if (warp.outside === 'colour') close(found.warp.colour, warp.colour, 0.03);
  });

  it('sees through a change of colour', () => {
    const warp = affine([
      [0.05, -0.3],
      [0, 0, -0.3],
    ]);
    const a2 = movedPlanes(a, size, warp).map((value) => 0.9 - 0.7 * value);
    const found = fitWarp({ a: a.map((value) => 1 - value), a2, size });
    expect(decibels(movedPlanes(b, size, found.warp), movedPlanes(b, size, warp))).toBeGreaterThan(32);
  });

  it('leaves most of what it cannot explain', () => {
    const noise = uniform(9, 3 * size * size);
    expect(fitWarp({ a, a2: noise, size }).left).toBeGreaterThan(0.5);
  });
});

/** Of the coefficients 0, 1, 2, 4, 9 and 20: along x, along y. */
const GOLDEN = [
  {
    outside: 'mirror',
    left: 0.0665,
    coefficients: [
      0.01314, -0.13049, -0.293, 0.06744, 0.22754, -0.0599, 0.01412, 0.25175, -0.19876, 0.23753, 0.04548,
      -0.12965,
    ],
  },
  {
    outside: 'colour',
    left: 0.01047,
    coefficients: [-0.00028, 0.20047, 0.10008, 0, 0, 0, 0.0001, -0.10016, 0.19977, 0, 0, 0],
  },
] as const;

/** `[3, S, S]` of a colour at every position. */
function drawn(size: number, colour: (x: number, y: number, c: number) => number): Float32Array {
  return Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const at = (k: number): number => (2 * (k % size) + 1) / size - 1;
    return colour(at(i), at(Math.floor(i / size)), Math.floor(i / size ** 2));
  });
}

function waves(x: number, y: number, c: number): number {
  return 0.5 + 0.25 * Math.sin(2.1 * x + 1.3 * y * y + c) + 0.2 * Math.sin(3.7 * y - 2.3 * x * y + 2 * c);
}

// The same pairs, and these numbers, are in training/tests/test_anchor.py.
it.each(GOLDEN)('agrees with PyTorch: $outside', ({ outside, left, coefficients }) => {
  const size = 64;
  const a2 = drawn(size, (x, y, c) => {
    if (outside === 'mirror') {
      const to = [0.7 * x - 0.2 * y + 0.1 + 0.08 * x * y, 0.2 * x + 0.65 * y - 0.1 * x * x];
      return 0.8 * waves(to[0], to[1], c) + 0.1;
    }
    const to = [1.2 * x + 0.1 * y, 1.2 * y - 0.1 * x];
    return Math.max(...to.map(Math.abs)) <= 1 ? waves(to[0], to[1], c) : [0.2, 0.4, 0.6][c];
  });
  const found = fitWarp({ a: drawn(size, waves), a2, size });
  expect(found.warp.outside).toBe(outside);
  expect(found.left).toBeCloseTo(left, 4);
  const shown = [0, 1, 2, 4, 9, 20];
  close(
    [0, WARP_COEFFICIENTS].flatMap((from) => shown.map((k) => found.warp.coefficients[from + k])),
    coefficients,
    1e-4,
  );
  if (outside === 'colour') close(found.warp.colour, [0.2, 0.4, 0.6], 1e-6);
});

// The same pair, and these numbers, are in training/tests/test_anchor.py.
it('finds channels apart, as PyTorch does', () => {
  const size = 64;
  const a = drawn(size, waves);
  const places = [
    (x: number, y: number) => [1.03 * x + 0.06, 1.03 * y - 0.02],
    (x: number, y: number) => [x, y],
    (x: number, y: number) => [0.98 * x - 0.05, 0.98 * y + 0.03],
  ];
  const a2 = drawn(size, (x, y, c) => {
    const [toX, toY] = places[c](x, y);
    return waves(toX, toY, c);
  });
  close(
    fitChannels({ a, a2, size })?.warp.channels ?? [],
    [
      [0.05992, 0.02978, 0.00003, -0.01984, 0.00017, 0.03034],
      [0, 0, 0, 0, 0, 0],
      [-0.05009, -0.02009, 0.00005, 0.03024, 0.00026, -0.01989],
    ].flat(),
    1e-4,
  );
});

it('takes what moves all channels alike, or none, for no channels apart', () => {
  const size = 64;
  const a = drawn(size, waves);
  expect(fitChannels({ a, a2: a.map((value) => 0.8 * value + 0.1), size })).toBeUndefined();
  const a2 = drawn(size, (x, y, c) => waves(x + 0.1, y, c));
  expect(fitChannels({ a, a2, size })).toBeUndefined();
});

it('matches histograms, each channel for itself', () => {
  const size = 32;
  const a = picture(3, size);
  const a2 = a.map((value, i) => (i < size * size ? value * value : 0.2 + 0.5 * value));
  expect(decibels(matched({ a, a2, size }), a2)).toBeGreaterThan(45);
});
