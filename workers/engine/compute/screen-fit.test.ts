import { expect, it } from 'vitest';
import type { RgbaImage } from '../protocol';
import { anchorFor } from '../shape';
import { fitAnchor, nameOf, type AnchorFit } from './anchor-fit';
import { createCpuCompute } from './cpu';
import { anchorApply } from './reference/anchor';
import { blurred } from './reference/fields';
import { LUMAS, luma } from './reference/lookup';
import { prepare } from './reference/prepare';
import { fitScreen } from './screen-fit';
import { frequenciesOf } from './spectrum';
import { close, imageOf, photograph, rounded, uniform } from './testing/parity';

const cpu = createCpuCompute();

type Edit = (colour: readonly [number, number, number], x: number, y: number) => readonly number[];

/** A picture of every tone, with fine grain. */
function grainy(seed: number, size: number): Float32Array<ArrayBuffer> {
  const grain = uniform(seed + 50, 3 * size * size, -0.05, 0.05);
  return rounded(photograph(seed, size).map((value, i) => 0.5 + 1.9 * (value - 0.5) + grain[i]));
}

/** `edit` of every pixel of `[3, size, size]`, at (x, y) in 0..1. */
function edited(planes: Float32Array, size: number, edit: Edit): Float32Array<ArrayBuffer> {
  const plane = size * size;
  const out = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    const [x, y] = [((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size];
    edit([planes[i], planes[plane + i], planes[2 * plane + i]], x, y).forEach((value, c) => {
      out[c * plane + i] = value;
    });
  }
  return rounded(out);
}

/** Means of square cells of so many pixels. */
function pixelated(planes: Float32Array, size: number, cell: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(planes.length);
  const count = size / cell;
  for (let k = 0; k < 3 * count * count; k++) {
    const from = (Math.floor(k / count) * cell * size) + (k % count) * cell; // prettier-ignore
    let sum = 0;
    for (let i = 0; i < cell * cell; i++) sum += planes[from + Math.floor(i / cell) * size + (i % cell)];
    for (let i = 0; i < cell * cell; i++)
      out[from + Math.floor(i / cell) * size + (i % cell)] = sum / cell ** 2;
  }
  return rounded(out);
}

async function fitOf(a: Float32Array, a2: Float32Array, full: number, size: number): Promise<AnchorFit> {
  const whole: { a: RgbaImage; a2: RgbaImage } = { a: imageOf(a, full), a2: imageOf(a2, full) };
  const [one, two] = [whole.a, whole.a2].map((image) => cpu.prepare(cpu.uploadImage(image, 'picture'), size));
  return fitAnchor(cpu, { a: one, a2: two, pixels: { ...whole, whole } }, async () => undefined);
}

/** PSNR in dB of an anchor of b at its own size. */
function decibels(anchor: AnchorFit, b: Float32Array, b2: Float32Array, full: number, size: number): number {
  const image = imageOf(b, full);
  const drawn = anchorApply(image, prepare(image, full), anchor, full);
  expect(size).toBeLessThanOrEqual(full);
  const error = drawn.reduce((sum, value, i) => sum + (value - b2[i]) ** 2, 0) / drawn.length;
  return -10 * Math.log10(error);
}

const ramp = (value: number): number => Math.min(1, Math.max(0, 0.5 + value));
/** Dots `count` a side, turned by `angle`, for values that are compared with them. */
function dots(count: number, angle: number, x: number, y: number): number {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [along, across] = [x * c + y * s, y * c - x * s].map((p) => Math.sin(2 * Math.PI * count * p));
  return 0.5 + 0.5 * along * across;
}

const halftone: Edit = ([r, g, b], x, y) => {
  const share = ramp((luma(r, g, b) - dots(9, 0.4, x, y)) / 0.3);
  return [0.15, 0.05, 0.3].map((dark, c) => dark + ([0.95, 0.9, 0.8][c] - dark) * share);
};
const colours: Edit = (colour, x, y) =>
  colour.map((value, c) => ramp((value - dots(8, 0.3 + 0.5 * c, x, y)) / 0.3));
const lines: Edit = ([r, g, b], x, y) => {
  const share = ramp((luma(r, g, b) - 0.5 - 0.45 * Math.sin(2 * Math.PI * (13 * x + 7 * y))) / 0.2);
  return [share, share, share];
};
it.each([
  ['halftone', halftone, 'screen'],
  ['colour halftone', colours, 'screens'],
  ['line screen', lines, 'screen'],
] as const)('finds a %s and carries it to another picture', async (_, edit, name) => {
  const size = 128;
  const [a, b] = [grainy(1, size), grainy(30, size)];
  const found = await fitOf(a, edited(a, size, edit), size, size);
  expect(nameOf(found)).toBe(name);
  expect(decibels(found, b, edited(b, size, edit), size, size)).toBeGreaterThan(27);
});

it('finds ink, black where a picture is darker than what is around it', async () => {
  const size = 128;
  const [a, b] = [grainy(1, size), grainy(30, size)];
  const ink = (planes: Float32Array): Float32Array => {
    const soft = blurred(planes, size, 8);
    const plane = size * size;
    return planes.map((_, k) => {
      const at = (of: Float32Array): number =>
        luma(of[k % plane], of[plane + (k % plane)], of[2 * plane + (k % plane)]);
      return ramp((at(planes) - at(soft) + 0.02) / 0.005);
    });
  };
  const found = await fitOf(a, rounded(ink(a)), size, size);
  expect(nameOf(found)).toBe('screen');
  expect(found.screen?.lattice.every((value) => value === 0)).toBe(true);
  expect(decibels(found, b, ink(b), size, size)).toBeGreaterThan(27);
});

it('finds dots too fine for the pixels that anchors are fitted to', async () => {
  const [full, size] = [512, 64];
  const fine: Edit = ([r, g, b], x, y) => {
    const share = ramp((luma(r, g, b) - dots(45, 0.4, x, y)) / 0.25);
    return [share, share, share];
  };
  const [a, b] = [grainy(1, full), grainy(30, full)];
  const found = await fitOf(a, edited(a, full, fine), full, size);
  expect(nameOf(found)).toBe('screen');
  // Two frequencies, of 45·√2 cycles each.
  const [x, y] = [found.screen?.lattice[0] ?? 0, found.screen?.lattice[3] ?? 0];
  expect(Math.hypot(x, y)).toBeCloseTo(45 * Math.SQRT2, 0);
  const image = imageOf(b, full);
  const drawn = anchorApply(image, prepare(image, size), found, size);
  const expected = prepare(imageOf(edited(b, full, fine), full), size);
  const error = drawn.reduce((sum, value, i) => sum + (value - expected[i]) ** 2, 0) / drawn.length;
  expect(error).toBeLessThan(3e-3);
});

it('finds a dither of single pixels, of all channels and of each', async () => {
  const [full, size] = [256, 64];
  const levels = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
  const [a, b] = [grainy(1, full), grainy(30, full)];
  for (const each of [false, true]) {
    const dither: Edit = (colour, x, y) => {
      const [i, j] = [Math.floor(x * full), Math.floor(y * full)];
      const level = (levels[(j % 4) * 4 + (i % 4)] + 0.5) / 16;
      return colour.map((value) => ((each ? value : luma(colour[0], colour[1], colour[2])) > level ? 1 : 0));
    };
    const found = await fitOf(a, edited(a, full, dither), full, size);
    expect(nameOf(found)).toBe(each ? 'screens' : 'screen');
    expect([...(found.screen?.lattice ?? [])].filter((_, k) => k === 0 || k === 9)).toEqual([
      full / 4,
      full / 4,
    ]);
    expect(decibels(found, b, edited(b, full, dither), full, size)).toBeGreaterThan(12);
  }
});

it('knows dots of one corner from dots of the picture', async () => {
  const [full, size] = [512, 64];
  const corner = (x: number, y: number): boolean => x < 0.5 && y < 0.5;
  // All that there is to see is in that corner, where dots are looked for first.
  const a = edited(grainy(1, full), full, (colour, x, y) =>
    corner(x, y) ? colour : colour.map((value) => 0.5 + (value - 0.5) / 20),
  );
  const dots: Edit = (colour, x, y) => {
    const above = 0.3 + 0.4 * ((Math.floor(x * full) + Math.floor(y * full)) % 2);
    return corner(x, y) ? colour.map(() => (luma(colour[0], colour[1], colour[2]) > above ? 1 : 0)) : colour;
  };
  expect((await fitOf(a, edited(a, full, dots), full, size)).screen).toBeUndefined();
});

it('does not look at single pixels where a threshold is of a blur', async () => {
  const [full, size] = [256, 128];
  const a = grainy(4, full);
  const threshold: Edit = ([r, g, b]) => {
    const value = ramp(0.5 + 12 * (luma(r, g, b) - 0.5));
    return [value, value, value];
  };
  const gainsOf = async (seen: Float32Array): Promise<number[]> => {
    const { screen } = await fitOf(a, edited(seen, full, threshold), full, size);
    return [0, 1, 2, 3, 4].map((k) => screen?.gains[3 * k] ?? NaN);
  };
  const [pixel, finest] = await gainsOf(blurred(a, full, 2));
  expect(pixel).toBe(0);
  expect(finest).toBeGreaterThan(3);
  // Ink looks at the pixel itself, beside what is around it.
  const around = blurred(a, full, 8);
  const [own] = await gainsOf(a.map((value, i) => 0.5 + value - around[i]));
  expect(own).toBeGreaterThan(10);
});

it('finds cells, and a dither of them', async () => {
  const size = 128;
  const [a, b] = [grainy(1, size), grainy(30, size)];
  const found = await fitOf(a, pixelated(a, size, 8), size, size);
  expect(nameOf(found)).toBe('cells');
  expect(decibels(found, b, pixelated(b, size, 8), size, size)).toBeGreaterThan(50);

  const levels = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
  const dither: Edit = ([r, g, bl], x, y) => {
    const [i, j] = [Math.floor(x * 64), Math.floor(y * 64)];
    const share = luma(r, g, bl) > (levels[(j % 4) * 4 + (i % 4)] + 0.5) / 16 ? 1 : 0;
    return [share, share, share];
  };
  const dithered = (planes: Float32Array): Float32Array => edited(pixelated(planes, size, 2), size, dither);
  const mixed = await fitOf(a, dithered(a), size, size);
  expect(nameOf(mixed)).toBe('cells + screen');
  expect(decibels(mixed, b, dithered(b), size, size)).toBeGreaterThan(18);
});

it('sees no screen in an edit of colours, and no cells in a photograph', async () => {
  const size = 128;
  const a = grainy(1, size);
  const contrast: Edit = (colour) => colour.map((value) => ramp(3 * (value - 0.5)));
  const found = await fitOf(a, edited(a, size, contrast), size, size);
  expect(found.screen).toBeUndefined();
  expect(found.warp).toBeUndefined();
});

it('keeps dots round and cells square on a picture of another shape', () => {
  const lattice = Float32Array.from([12, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0]);
  const screen = { kind: 'screen', lattice } as unknown as AnchorFit['screen'];
  const warp = { pitch: [0.1, 0.1], origin: [0.05, 0] } as const;
  const fit = { screen, warp } as unknown as AnchorFit;
  const shaped = anchorFor(fit, { width: 500, height: 500 }, { width: 1000, height: 2000 });
  // As many dots along the shorter side, and twice as many along the longer.
  expect([shaped.screen?.lattice[0], shaped.screen?.lattice[9]]).toEqual([12, 24]);
  expect(shaped.warp).toEqual({ pitch: [0.1, 0.05], origin: [0.05, 0] });
  expect(anchorFor(fit, { width: 500, height: 400 }, { width: 1000, height: 800 })).toEqual(fit);
});

it('finds what repeats, between whole frequencies', () => {
  const side = 90;
  const plane = Float64Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [((i % side) + 0.5) / side, (Math.floor(i / side) + 0.5) / side];
    return Math.sin(2 * Math.PI * (11.3 * x - 7.8 * y)) + 0.7 * Math.cos(2 * Math.PI * (6.4 * x + 14.1 * y));
  });
  const [first, second] = frequenciesOf(plane, side);
  expect(first[0]).toBeCloseTo(11.3, 1);
  expect(first[1]).toBeCloseTo(-7.8, 1);
  expect(second[0]).toBeCloseTo(6.4, 1);
  expect(second[1]).toBeCloseTo(14.1, 1);
  expect(frequenciesOf(Float64Array.from(uniform(3, side * side)), side)).toEqual([]);
});

it('agrees with PyTorch', () => {
  const size = 64;
  const plane = size * size;
  const place = (i: number): number => (i + 0.5) / size;
  const a = Float32Array.from({ length: 3 * plane }, (_, k) => {
    const [x, y] = [k % size, Math.floor((k % plane) / size)];
    return 0.5 + 0.45 * Math.sin(0.21 * x * (Math.floor(k / plane) + 1) + 0.17 * y);
  });
  const a2 = Float32Array.from({ length: 3 * plane }, (_, k) => {
    const i = k % plane;
    const [x, y] = [place(i % size), place(Math.floor(i / size))];
    const wave = (cycles: number): number => Math.cos(2 * Math.PI * cycles);
    const tone = luma(a[i], a[plane + i], a[2 * plane + i]);
    const waves = wave(9.3 * x + 4.1 * y) + wave(9.3 * y - 4.1 * x);
    return 0.1 + 0.7 * ramp((tone - 0.5 - 0.25 * waves) / 0.3);
  });
  const soft = [1, 2, 4, 8].map((sigma) => blurred(a, size, sigma));
  const span = { left: 0, top: 0, width: 1, height: 1 };
  const found = fitScreen({ side: size, a, a2, soft, span, cells: undefined }, LUMAS[0], 1);
  if (found === undefined) throw new Error('no screen was found');
  const { kind, dark, light, lattice, gains, thresholds } = found.screen;
  expect(kind).toBe('screen');
  expect(Math.abs(found.score - 2.414e-5)).toBeLessThan(1e-8);
  const first = (rows: Float32Array, at: readonly number[]): number[] => at.map((row) => rows[3 * row]);
  // As training/tests/test_screen.py has them.
  close([...dark, ...light], [0.10002, 0.10002, 0.10002, 0.8, 0.8, 0.8], 1e-4);
  close(first(lattice, [0, 1, 2, 3]), [4.0992, -9.29795, 9.29488, 4.08973], 1e-4);
  close(first(gains, [0, 1, 2, 3, 4]), [1.387, 1.38535, 0.87531, -0.36908, 0.05892], 1e-4);
  close(first(thresholds, [0, 40, 100, 136, 255]), [3.36313, 1.42343, 1.02072, -0.03472, 3.24144], 1e-4);
});
