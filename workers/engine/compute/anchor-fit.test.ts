import { describe, expect, it } from 'vitest';
import type { RgbaImage } from '../protocol';
import { fitAnchor, fitStill, nameOf, type AnchorFit } from './anchor-fit';
import { solveCholesky } from './cholesky';
import { ANCHOR_FEATURES, WARP_COEFFICIENTS, type Anchor, type Tensor, type Warp } from './compute';
import { createCpuCompute, type CpuData } from './cpu';
import { solveBanded } from './banded';
import { fitHue } from './hue-fit';
import { scoreLocal } from './local-fit';
import { lookupSums, scoreLookup } from './lookup-fit';
import { anchorApply, anchorGram } from './reference/anchor';
import { anchorFields, blurred, gradientOf } from './reference/fields';
import { LUMAS } from './reference/lookup';
import { foldsOfPixels } from './still-fit';
import { close, distance, imageOf, photograph, picture, rounded, uniform } from './testing/parity';

const SIZE = 48;
const PLANE = SIZE * SIZE;

/** A picture with fine grain, so that blurs and copies differ from the picture itself. */
function grainy(seed: number): Float32Array<ArrayBuffer> {
  const grain = uniform(seed + 50, 3 * PLANE, -0.1, 0.1);
  return rounded(picture(seed, SIZE).map((value, i) => 0.1 + 0.8 * value + grain[i]));
}

function fit(a: Float32Array, a2: Float32Array): AnchorFit {
  return fitStill(anchorGram(a, a2, anchorFields(a, SIZE), SIZE), {
    a,
    a2,
    fields: anchorFields(a, SIZE),
    size: SIZE,
  });
}

function applied(u: Float32Array, anchor: Anchor): Float32Array {
  return anchorApply(imageOf(u, SIZE), u, anchor, SIZE);
}

/** Mean squared difference. */
function error(actual: Float32Array, expected: Float32Array): number {
  return actual.reduce((sum, value, i) => sum + (value - expected[i]) ** 2, 0) / actual.length;
}

function mapColours(
  image: Float32Array,
  map: (r: number, g: number, b: number) => readonly number[],
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(image.length);
  for (let i = 0; i < PLANE; i++) {
    map(image[i], image[PLANE + i], image[2 * PLANE + i]).forEach((value, c) => {
      out[c * PLANE + i] = value;
    });
  }
  return out;
}

function mapPlaces(
  image: Float32Array,
  from: (x: number, y: number) => readonly [number, number],
): Float32Array<ArrayBuffer> {
  return image.map((_, i) => {
    const [x, y] = from(i % SIZE, Math.floor((i % PLANE) / SIZE));
    return image[Math.floor(i / PLANE) * PLANE + y * SIZE + x];
  });
}

/** As HSL and HSV turn a hue, by so many sixths. */
function turnedHue(rgb: readonly number[], by: number): number[] {
  const [least, , most] = rgb.toSorted((p, q) => p - q);
  const first = rgb.indexOf(most);
  const sixth = 2 * first + (rgb[(first + 1) % 3] - rgb[(first + 2) % 3]) / (most - least || 1) + by;
  return [5, 3, 1].map((n) => {
    const at = (n + sixth + 6) % 6;
    return most - (most - least) * Math.min(1, Math.max(0, Math.min(at, 4 - at)));
  });
}

describe('fitStill', () => {
  const a = grainy(1);
  const b = grainy(2);

  it('recovers a colour matrix and carries it to another picture', () => {
    const matrix = (r: number, g: number, bl: number): number[] => [
      0.7 * r + 0.1 * g + 0.05,
      0.8 * g + 0.1 * bl,
      0.2 * r + 0.6 * bl,
    ];
    const found = fit(a, mapColours(a, matrix));
    expect(found.name).toBe('colour');
    expect(distance(applied(b, found), mapColours(b, matrix))).toBeLessThan(1e-3);
    expect([...found.weights.subarray(30)].every((weight) => weight === 0)).toBe(true);
  });

  it('leaves alone what it cannot explain', () => {
    const noise = uniform(9, 3 * PLANE, -0.3, 0.3);
    const { name, weights } = fit(
      a,
      a.map((value, i) => value + noise[i]),
    );
    expect(name).toBe('none');
    expect(weights.every((weight) => weight === 0)).toBe(true);
  });

  it('leaves an identity pair alone', () => {
    expect(fit(a, a)).toMatchObject({ name: 'none', score: 0 });
  });

  it.each([
    ['mirrored', (x: number, y: number) => [SIZE - 1 - x, y] as const],
    ['upside down', (x: number, y: number) => [x, SIZE - 1 - y] as const],
    ['turned', (x: number, y: number) => [y, SIZE - 1 - x] as const],
    ['transposed', (x: number, y: number) => [y, x] as const],
  ])('chooses copies for a picture %s', (_, from) => {
    const found = fit(a, mapPlaces(a, from));
    expect(found.name).toBe('copies');
    expect(error(applied(b, found), mapPlaces(b, from))).toBeLessThan(1e-4);
  });

  it('chooses tone for a curve with knees', () => {
    const curve = (value: number): number => Math.min(0.6, Math.max(0.2, value));
    const { name, lookup } = fit(a, a.map(curve));
    expect(name).toBe('tone');
    expect(lookup).toBeUndefined();
  });

  it.each([
    ['channel', (image: Float32Array) => image.map((value) => (value > 0.53 ? 1 - value : value))],
    [
      'luma',
      (image: Float32Array) =>
        mapColours(image, (r, g, bl) => {
          const y = 0.299 * r + 0.587 * g + 0.114 * bl;
          // Of more tones than a screen has.
          return y > 0.6 ? [1, 0.9, 0.7] : y > 0.4 ? [0.4, 0.8, 0.1] : [0.1, 0, 0.3];
        }),
    ],
    [
      'gradient',
      (image: Float32Array) => {
        const length = gradientOf(anchorFields(image, SIZE), SIZE);
        return image.map((_, i) => (length[i % PLANE] > 0.015 ? 0.1 : 0.9));
      },
    ],
  ] as const)('chooses a lookup by %s for what is not smooth in it', (expected, edit) => {
    const found = fit(a, edit(a));
    expect(found.name).toBe(expected);
    expect(found.lookup?.kind).toBe(expected);
    expect(found.weights.every((weight) => weight === 0)).toBe(true);
    expect(error(applied(b, found), edit(b))).toBeLessThan(0.01);
  });

  it.each(LUMAS)('knows which luma a curve is of: %d, %d, %d', (...of) => {
    const edit = (image: Float32Array): Float32Array =>
      mapColours(image, (r, g, bl) => {
        const y = of[0] * r + of[1] * g + of[2] * bl;
        return y > 0.6 ? [1, 0.9, 0.7] : y > 0.4 ? [0.4, 0.8, 0.1] : [0.1, 0, 0.3];
      });
    const found = fit(a, edit(a));
    expect(found.luma).toEqual(of);
    expect(found.lookup).toMatchObject({ kind: 'luma', luma: of });
    expect(error(applied(b, found), edit(b))).toBeLessThan(0.01);
  });

  it('chooses a local lookup for what depends on what is around', () => {
    const sketch = (image: Float32Array): Float32Array => {
      const around = blurred(image, SIZE, 8);
      return image.map((value, i) => Math.min(1, value / Math.max(0.05, around[i])));
    };
    const found = fit(a, sketch(a));
    expect(found.name).toBe('local channel 8');
    expect(error(applied(b, found), sketch(b))).toBeLessThan(2e-4);
  });

  it('chooses hues for a hue that is turned', () => {
    const turn = (image: Float32Array): Float32Array =>
      mapColours(image, (r, g, bl) => turnedHue([r, g, bl], 1.75));
    const found = fit(a, turn(a));
    expect(found.name).toBe('hue');
    expect(found.lookup?.kind).toBe('hue');
    expect(error(applied(b, found), turn(b))).toBeLessThan(2e-4);
  });

  it('chooses detail for a blur', () => {
    // Fields 3–5 are the blur with σ = 2.
    const { name } = fit(a, anchorFields(a, SIZE).slice(6 * PLANE, 9 * PLANE));
    expect(name).toBe('detail');
  });

  it('chooses light for a falloff', () => {
    const falloff = a.map((value, i) => value * (1 - 0.5 * ((i % SIZE) / SIZE)));
    expect(fit(a, falloff).name).toBe('light');
  });
});

describe('fitAnchor', () => {
  const cpu = createCpuCompute();
  /** Seven tenths of the picture, enlarged. */
  const coefficients = new Float32Array(2 * WARP_COEFFICIENTS);
  coefficients[1] = coefficients[WARP_COEFFICIENTS + 2] = -0.3;
  const warp: Warp = { coefficients, outside: 'mirror', colour: [0, 0, 0] };
  const none = new Float32Array(ANCHOR_FEATURES * 3);
  /** 0.1 + 0.7·u */
  const colour = none.slice();
  for (let c = 0; c < 3; c++) {
    colour[c] = 0.1;
    colour[(1 + c) * 3 + c] = -0.3;
  }

  it.each([
    ['colour', { weights: colour }],
    ['warp', { weights: none, warp }],
    ['warp + colour', { weights: colour, warp }],
  ])('recovers an edit that is %s', async (name, edit: Anchor) => {
    const [a, b] = [20, 40].map((seed) => {
      const image = cpu.uploadImage(imageOf(photograph(seed, 64), 64), 'picture');
      const planes = cpu.prepare(image, 64);
      return { planes, under: (anchor: Anchor) => cpu.anchorApply(image, planes, anchor) };
    });
    const pair = { a: a.planes, a2: a.under(edit), pixels: undefined };
    const found = await fitAnchor(cpu, pair, async () => undefined);
    expect(nameOf(found)).toBe(name);
    const [actual, expected] = [found, edit].map((anchor) => cpu.read(b.under(anchor)));
    expect(error(await actual, await expected)).toBeLessThan(1e-4);
  });

  it('fits to pixels, whose means are not on the curve', async () => {
    const [full, size] = [192, 64];
    const grainyAt = (seed: number): Float32Array => {
      const grain = uniform(seed + 50, 3 * full * full, -0.4, 0.4);
      return rounded(photograph(seed, full).map((value, i) => value + grain[i]));
    };
    const solarised = (planes: Float32Array): Float32Array =>
      planes.map((value) => (value > 0.55 ? 1 - value : value));
    const image = (planes: Float32Array): RgbaImage => imageOf(rounded(planes), full);
    const prepared = (of: RgbaImage): Tensor<CpuData> => cpu.prepare(cpu.uploadImage(of, 'picture'), size);
    const [a, b] = [60, 70].map(grainyAt);
    const whole = { a: image(a), a2: image(solarised(a)) };
    const pixels = { ...whole, whole };
    const pair = { a: prepared(whole.a), a2: prepared(whole.a2) };
    const [fine, coarse] = await Promise.all(
      [pixels, undefined].map((of) => fitAnchor(cpu, { ...pair, pixels: of }, async () => undefined)),
    );
    const off = async (anchor: AnchorFit): Promise<number> => {
      const on = cpu.uploadImage(image(b), 'b');
      const drawn = await cpu.read(cpu.anchorApply(on, cpu.prepare(on, size), anchor));
      return error(drawn, await cpu.read(prepared(image(solarised(b)))));
    };
    expect(fine.name).toBe('channel');
    expect(await off(fine)).toBeLessThan(3e-5);
    expect(await off(coarse)).toBeGreaterThan(1e-3);
  });

  it('can be stopped before it looks for a warp', async () => {
    const [a, a2] = [1, 2].map((seed) => cpu.upload(picture(seed, 64), [3, 64, 64], 'picture'));
    const stop = fitAnchor(cpu, { a, a2, pixels: undefined }, () => Promise.reject(new Error('cancelled')));
    await expect(stop).rejects.toThrow('cancelled');
  });
});

describe('solveCholesky', () => {
  it('solves what is positive definite and refuses what is not', () => {
    const solved = solveCholesky(Float64Array.of(4, 2, 2, 3), Float64Array.of(8, 7), 2, 1);
    expect(distance(solved ?? [], [1.25, 1.5])).toBeLessThan(1e-15);
    expect(solveCholesky(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1), 2, 1)).toBeUndefined();
    expect(solveCholesky(Float64Array.of(NaN), Float64Array.of(1), 1, 1)).toBeUndefined();
  });
});

/** Of the knots 0, 64, 128, 192 and 255: r, g, b; of the local lookup 0, 40, 100, 136 and 255. */
const GOLDEN = [
  {
    kind: 'channel',
    score: 0.0000008,
    ridge: 1e-6,
    knots: [
      -0.02386, -0.02387, -0.02386, 0.06299, 0.06299, 0.06299, 0.25196, 0.25196, 0.25196, 0.24706, 0.24706,
      0.24706, 0.03441, 0.03441, 0.03441,
    ],
  },
  {
    kind: 'luma',
    score: 0.0077199,
    ridge: 0.01,
    knots: [
      -0.03775, -0.01883, -0.06015, 0.13839, 0.02524, 0.2241, 0.14335, 0.26935, 0.22269, 0.26736, 0.17214,
      0.17734, -0.0095, 0.08578, -0.05808,
    ],
  },
  {
    kind: 'gradient',
    score: 0.0102901,
    ridge: 0.0001,
    knots: [
      0.08314, 0.01094, 0.09225, -0.33389, 0.03075, 1.72062, -0.44663, 0.10341, 2.65711, -0.24384, 0.33077,
      2.9989, -0.00396, 0.57431, 3.2595,
    ],
  },
  {
    kind: 'local',
    score: 0.0000097,
    ridge: 1e-6,
    knots: [
      -0.02434, -0.02488, -0.02035, 0.01031, 0.00984, -0.01257, 0.15918, 0.15781, 0.15906, 0.28619, 0.28086,
      0.28428, 0.04159, 0.00524, 0.00438,
    ],
  },
] as const;

/** Of the knots 0, 40, 100, 136 and 215. */
const GOLDEN_HUE = [
  -0.01959, 0.06561, 0.079, -0.06242, -0.02965, 0.11223, 0.06737, -0.03554, -0.07419, 0.03899, 0.06464,
  -0.07264, -0.01457, -0.04403, -0.0118,
] as const;

describe('lookups', () => {
  it('count what linear interpolation gives each knot', () => {
    // q = 0.5 lies half way between knots 127 and 128.
    const q = Float32Array.of(0.5, 0.5, 1);
    const folds = { of: Uint8Array.of(0, 0, 1), count: 2 };
    const [one, other] = lookupSums(q, Float32Array.of(0.75, 0.5, 0), folds);
    expect([...one.bands.subarray(3 * 127, 3 * 128 + 1)]).toEqual([0.5, 0.5, 0, 0.5]);
    expect([one.right[127], one.right[128], one.square, one.pixels]).toEqual([0.125, 0.125, 0.0625, 2]);
    expect([other.bands[3 * 255], other.right[255], other.square]).toEqual([1, -1, 1]);
  });

  // The same pair, and the numbers here, are in training/tests/test_anchor.py.
  const size = 32;
  const image = Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const [c, x, y] = [Math.floor(i / size ** 2), i % size, Math.floor(i / size) % size];
    return 0.5 + 0.4 * Math.sin(0.37 * x * (c + 1) + 0.23 * y);
  });
  const a2 = image.map((value) => (value > 0.6 ? 1 - value : value * value));
  const pair = { a: image, a2, fields: anchorFields(image, size), size };
  const [folds, ridges] = [foldsOfPixels(size), [1e-6, 1e-4, 1e-2]];
  const some = (table: Float32Array, knots: readonly number[]): number[] =>
    knots.flatMap((knot) => [...table.subarray(knot * 3, knot * 3 + 3)]);

  it.each(GOLDEN)('agree with PyTorch: $kind', ({ kind, score, ridge, knots }) => {
    const found =
      kind === 'local'
        ? scoreLocal(LUMAS[0], pair, folds, ridges, 1)
        : scoreLookup(kind, LUMAS[0], pair, folds, ridges);
    if (found === undefined) throw new Error('nothing was found');
    expect(found.score).toBeCloseTo(score, 6);
    expect(found.ridge).toBe(ridge);
    const { table } = found.solve();
    close(some(table, kind === 'local' ? [0, 40, 100, 136, 255] : [0, 64, 128, 192, 255]), knots, 1e-4);
  });

  it('agree with PyTorch: hue', () => {
    const [few, found] = [1, 1e-3].map((bound) => fitHue(pair, folds, ridges, [bound, bound]));
    if (few === undefined || found === undefined) throw new Error('nothing was found');
    expect(few.score).toBeCloseTo(1.69807e-3, 6);
    expect(few.weights.subarray(12).every((weight) => weight === 0)).toBe(true);
    expect(found.score).toBeCloseTo(3.65e-5, 6);
    close(some(found.lookup.table, [0, 40, 100, 136, 215]), GOLDEN_HUE, 1e-4);
    expect(fitHue(pair, folds, ridges, [1e-3, 3e-5])).toBeUndefined();
  });

  it('solve their bands', () => {
    const length = 256;
    const solution = uniform(3, 2 * length, -1, 1);
    const bands = Float64Array.from({ length: 3 * length }, (_, i) => [6.5, -4, 1][i % 3]);
    const at = (i: number): number => solution[i] ?? 0;
    const right = Float64Array.from(
      solution,
      (x, i) => 6.5 * x - 4 * (at(i - 2) + at(i + 2)) + at(i - 4) + at(i + 4),
    );
    solveBanded(bands, 2, right, 2);
    expect(distance(right, solution)).toBeLessThan(1e-9);
  });
});
