/**
 * The reference against docs/architecture.md, written down a second time, a pixel at a time. Long because the
 * text is: one `describe` for each of its operations, on one compute.
 */
import { describe, expect, it } from 'vitest';
import {
  ANCHOR_FEATURES,
  HUES,
  LIGHTS,
  LOOKUP_KNOTS,
  LOCAL_KINDS,
  OUTSIDES,
  POINT_KINDS,
  WARP_COEFFICIENTS,
  type Anchor,
  type FullRender,
  type SmoothWarp,
} from './compute';
import { renderBands, type Bands, type Helpers } from './bands';
import { createCpuCompute, type CpuData } from './cpu';
import type { RenderJob } from './reference/render';
import { anchorFields, blurred } from './reference/fields';
import { close, imageOf, noiseImage, picture, randomWarp, rounded, uniform } from './testing/parity';

const cpu = createCpuCompute();
const quiet = { onTile: () => undefined, checkpoint: () => Promise.resolve() };
const clamp = (value: number): number => Math.min(1, Math.max(0, value));

type Look = (x: number, y: number) => number;

function bilinear(look: Look, width: number, height: number, u: number, v: number): number {
  const [x, y] = [u * width - 0.5, v * height - 0.5];
  let sum = 0;
  for (const i of [Math.floor(x), Math.floor(x) + 1]) {
    for (const j of [Math.floor(y), Math.floor(y) + 1]) {
      const weight = (1 - Math.abs(x - i)) * (1 - Math.abs(y - j));
      sum += weight * look(Math.min(width - 1, Math.max(0, i)), Math.min(height - 1, Math.max(0, j)));
    }
  }
  return sum;
}

function planeLook(planes: Float32Array, channel: number, size: number): Look {
  return (x, y) => planes[(channel * size + y) * size + x];
}

describe('prepare', () => {
  it('averages over white with a tent as wide as the scale', async () => {
    // One row of four pixels: grey values 0, 1, 0, 1 and a transparent one in its place.
    const data = Uint8ClampedArray.of(0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0, 255, 9, 9, 9, 0);
    const image = cpu.uploadImage({ width: 4, height: 1, data }, 'row');
    const prepared = await cpu.read(cpu.prepare(image, 2));
    const left = 0.75 / 1.75;
    const right = (0.25 + 0.75) / 1.75;
    close(
      prepared,
      [0, 1, 2].flatMap(() => [left, right, left, right]),
      1e-7,
    );
  });
});

describe('anchor', () => {
  it('has every feature where the table puts it', async () => {
    const size = 12;
    const u = rounded(picture(3, size));
    const image = cpu.uploadImage(imageOf(u, size), 'u');
    const fields = anchorFields(u, size);
    for (let f = 0; f < ANCHOR_FEATURES; f++) {
      const weights = new Float32Array(ANCHOR_FEATURES * 3);
      weights[f * 3 + 1] = 0.01;
      const moved = await cpu.read(cpu.anchorApply(image, cpu.prepare(image, size), { weights }));
      const expected = u.slice();
      for (let i = 0; i < size * size; i++) {
        expected[size * size + i] = clamp(u[size * size + i] + 0.01 * phi(f, u, fields, size, i));
      }
      close(moved, expected, 1e-6);
    }
  });
});

const REC_709 = [0.2126, 0.7152, 0.0722] as const;

describe('lookup', () => {
  it.each(POINT_KINDS)('is the table at the %s', async (kind) => {
    const size = 12;
    const plane = size * size;
    const u = rounded(picture(4, size));
    const image = cpu.uploadImage(imageOf(u, size), 'u');
    const fields = anchorFields(u, size);
    const table = uniform(5, LOOKUP_KNOTS * 3, -0.2, 1.2);
    const anchor = { weights: new Float32Array(ANCHOR_FEATURES * 3), lookup: { kind, luma: REC_709, table } };
    const actual = await cpu.read(cpu.anchorApply(image, cpu.prepare(image, size), anchor));
    const expected = u.map((_, at) => {
      const [c, i] = [Math.floor(at / plane), at % plane];
      const of = kind.startsWith('soft') ? fields : u;
      const luma = REC_709[0] * of[i] + REC_709[1] * of[plane + i] + REC_709[2] * of[2 * plane + i];
      const own = kind.endsWith('luma') ? luma : of[at];
      const position = 255 * clamp(kind === 'gradient' ? 4 * fields[17 * plane + i] : own);
      const knot = (k: number): number => Math.max(0, 1 - Math.abs(position - k));
      const value = Array.from({ length: LOOKUP_KNOTS }, (__, k) => knot(k) * table[k * 3 + c]);
      return clamp(value.reduce((sum, part) => sum + part, 0));
    });
    // A random table is steep: rounding q to f32 shows 255 times as much.
    close(actual, expected, 2e-4);
  });
});

describe('local lookup', () => {
  it.each(LOCAL_KINDS)('is the table at the %s', async (kind) => {
    const size = 12;
    const plane = size * size;
    const u = rounded(picture(4, size));
    const image = cpu.uploadImage(imageOf(u, size), 'u');
    const table = uniform(5, LOOKUP_KNOTS * 3, -0.2, 1.2);
    const anchor = { weights: new Float32Array(ANCHOR_FEATURES * 3), lookup: { kind, luma: REC_709, table } };
    const actual = await cpu.read(cpu.anchorApply(image, cpu.prepare(image, size), anchor));
    const around = blurred(u, size, Number(kind.split(' ')[2]));
    const of = (planes: Float32Array, c: number, i: number): number =>
      kind.includes('luma')
        ? REC_709[0] * planes[i] + REC_709[1] * planes[plane + i] + REC_709[2] * planes[2 * plane + i]
        : planes[c * plane + i];
    const expected = u.map((_, at) => {
      const [c, i] = [Math.floor(at / plane), at % plane];
      const off = of(u, c, i) - of(around, c, i);
      const near = (value: number, knot: number): number => Math.max(0, 1 - Math.abs(15 * value - knot));
      const bent = 0.5 + (0.5 * off) / (Math.abs(off) + 0.15);
      const parts = Array.from({ length: LOOKUP_KNOTS }, (__, k) => {
        const weight = near(clamp(of(u, c, i)), Math.floor(k / 16)) * near(bent, k % 16);
        return weight * table[k * 3 + c];
      });
      return clamp(parts.reduce((sum, part) => sum + part, 0));
    });
    close(actual, expected, 2e-5);
  });
});

describe('hue lookup', () => {
  it('adds chroma times the table to the weights’ colour', async () => {
    const size = 12;
    const plane = size * size;
    const u = rounded(picture(4, size));
    const image = cpu.uploadImage(imageOf(u, size), 'u');
    const table = uniform(5, HUES * LIGHTS * 3, -0.4, 0.4);
    const weights = new Float32Array(ANCHOR_FEATURES * 3);
    weights.set([0.1, 0.05, -0.1]);
    const on = cpu.prepare(image, size);
    const actual = await cpu.read(cpu.anchorApply(image, on, { weights, lookup: { kind: 'hue', table } }));
    const expected = u.map((own, at) => {
      const [c, i] = [Math.floor(at / plane), at % plane];
      const rgb = [u[i], u[plane + i], u[2 * plane + i]];
      const [least, , most] = rgb.toSorted((p, q) => p - q);
      const first = rgb.indexOf(most);
      const sixth = 2 * first + (rgb[(first + 1) % 3] - rgb[(first + 2) % 3]) / (most - least || 1);
      const value = Array.from({ length: HUES * LIGHTS }, (_, k) => {
        const apart = Math.abs(((sixth / 6 + 1) % 1) * HUES - Math.floor(k / LIGHTS));
        const up = Math.abs(((most + least) / 2) * (LIGHTS - 1) - (k % LIGHTS));
        const weight = Math.max(0, 1 - Math.min(apart, HUES - apart)) * Math.max(0, 1 - up);
        return weight * table[k * 3 + c];
      }).reduce((sum, part) => sum + part, 0);
      return clamp(own + weights[c] + (most - least) * value);
    });
    close(actual, expected, 1e-5);
  });
});

/** moved(u) at (u, v) of one channel, straight from the text. */
function movedAt(
  look: Look,
  width: number,
  height: number,
  warp: SmoothWarp,
  channel: number,
  u: number,
  v: number,
): number {
  const [x, y] = [2 * u - 1, 2 * v - 1];
  const [toX, toY] = [0, WARP_COEFFICIENTS].map((from, axis) => {
    let sum = axis === 0 ? x : y;
    let k = from;
    for (let n = 0; n <= 5; n++) {
      for (let j = 0; j <= n; j++) sum += warp.coefficients[k++] * x ** (n - j) * y ** j;
    }
    return sum;
  });
  const mod = (value: number, by: number): number => value - by * Math.floor(value / by);
  const place = (to: number): number =>
    warp.outside === 'wrap' ? mod((to + 1) / 2, 1) : 1 - Math.abs(1 - mod((to + 1) / 2, 2));
  const read = bilinear(look, width, height, place(toX), place(toY));
  if (warp.outside !== 'colour') return read;
  const coverage = clamp(0.5 + Math.min(width * (1 - Math.abs(toX)), height * (1 - Math.abs(toY))) / 2);
  return coverage * read + (1 - coverage) * warp.colour[channel];
}

describe('warp', () => {
  it.each(OUTSIDES)('reads where the polynomials say, with %s outside', async (outside) => {
    const size = 12;
    const plane = size * size;
    const u = picture(4, size);
    const warp = randomWarp(6, outside);
    const actual = await cpu.read(cpu.warp(cpu.upload(u, [3, size, size], 'u'), warp));
    const expected = u.map((_, at) => {
      const [c, x, y] = [Math.floor(at / plane), at % size, Math.floor((at % plane) / size)];
      return movedAt(planeLook(u, c, size), size, size, warp, c, (x + 0.5) / size, (y + 0.5) / size);
    });
    close(actual, expected, 1e-6);
  });

  it('comes before features and lookups', async () => {
    const size = 16;
    const image = cpu.uploadImage(imageOf(rounded(picture(4, size)), size), 'u');
    const u = cpu.prepare(image, size);
    // A quarter turn, which moves pixels onto pixels, so that an image can hold what it makes.
    const coefficients = new Float32Array(2 * WARP_COEFFICIENTS);
    coefficients.set([0, -1, 1]);
    coefficients.set([0, -1, -1], WARP_COEFFICIENTS);
    const warp: SmoothWarp = { coefficients, outside: 'mirror', colour: [0, 0, 0] };
    const turned = cpu.warp(u, warp);
    const moved = cpu.uploadImage(imageOf(rounded(await cpu.read(turned)), size), 'moved');
    const table = uniform(5, LOOKUP_KNOTS * 3);
    const weights = uniform(8, ANCHOR_FEATURES * 3, -0.1, 0.1);
    for (const anchor of [{ weights }, { weights, lookup: { kind: 'gradient', table } as const }]) {
      const actual = await cpu.read(cpu.anchorApply(image, u, { ...anchor, warp }));
      close(actual, await cpu.read(cpu.anchorApply(moved, turned, anchor)), 1e-5);
    }
  });
});

/** Feature f of pixel i, straight from the table. */
function phi(f: number, u: Float32Array, fields: Float32Array, size: number, i: number): number {
  const [column, row] = [i % size, Math.floor(i / size)];
  const colour = [0, 1, 2].map((c) => u[c * size * size + i]);
  const [r, g, b] = colour;
  const [p, q] = [(2 * (column + 0.5)) / size - 1, (2 * (row + 0.5)) / size - 1];
  const table = [
    1,
    r,
    g,
    b,
    r * r,
    g * g,
    b * b,
    r * g,
    r * b,
    g * b,
    ...colour.flatMap((c) => [0.2, 0.4, 0.6, 0.8].map((knee) => Math.max(0, c - knee))),
    ...[p, q, p * p, q * q, p * q, (p * p + q * q) ** 2].flatMap((term) => [
      term,
      term * r,
      term * g,
      term * b,
    ]),
    ...[...Array(12).keys(), 15, 16, 17].map((k) => fields[k * size * size + i]),
  ];
  const [x, y, last] = [column, row, size - 1];
  const places = [
    [last - x, y],
    [x, last - y],
    [last - x, last - y],
    [y, last - x],
    [last - y, x],
    [y, x],
    [last - y, last - x],
  ];
  for (const [m, n] of places) for (let c = 0; c < 3; c++) table.push(u[(c * size + n) * size + m]);
  return table[f];
}

describe('route', () => {
  it('is softmax or tanh of the scaled products', async () => {
    const e = cpu.upload(Float32Array.of(1, 2), [1, 2], 'e');
    const query = cpu.upload(Float32Array.of(1, 0, 0, 1, 1, 1, -1, 1), [1, 4, 2], 'query');
    // q = (1, 2, 3, 1), √d = 2
    const keys = cpu.upload(Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), [1, 3, 4], 'keys');
    const powers = [0.5, 1, 0].map(Math.exp);
    const sum = powers[0] + powers[1] + powers[2];
    close(
      await cpu.route(e, keys, query, 'softmax'),
      powers.map((power) => power / sum),
      1e-7,
    );
    close(await cpu.route(e, keys, query, 'tanh'), [0.5, 1, 0].map(Math.tanh), 1e-7);
  });
});

describe('merge', () => {
  it('adds scale·c·A·B, whatever the shape', async () => {
    const [inputs, outputs, elements, rank] = [3, 7, 5, 6];
    const base = uniform(1, inputs * outputs);
    const a = uniform(2, elements * inputs * rank);
    const b = uniform(3, elements * rank * outputs);
    const c = uniform(4, elements, -1, 1);
    const expected = base.map((value, at) => {
      const [i, o] = [Math.floor(at / outputs), at % outputs];
      let sum = value;
      for (let n = 0; n < elements; n++) {
        for (let k = 0; k < rank; k++) {
          sum += 0.5 * c[n] * a[(n * inputs + i) * rank + k] * b[(n * rank + k) * outputs + o];
        }
      }
      return sum;
    });
    const target = {
      base: cpu.upload(base, [inputs, outputs], 'base'),
      a: cpu.upload(a, [elements, inputs, rank], 'a'),
      b: cpu.upload(b, [elements, rank, outputs], 'b'),
      merged: cpu.allocate('float32', [inputs, outputs], 'merged'),
    };
    await cpu.merge([target], c, elements, 0.5);
    close(await cpu.read(target.merged), expected, 1e-6);
  });
});

describe('threads that help to render', () => {
  const size = 8;
  const [width, height] = [1024, 520];
  const image = noiseImage(5, width, height);

  async function render(helpers?: Helpers, checkpoint = quiet.checkpoint): Promise<Uint8ClampedArray> {
    const compute = createCpuCompute(helpers);
    const full = compute.uploadImage(image, 'b');
    const { data } = await compute.renderFull({
      b: compute.prepare(full, size),
      grid: compute.upload(uniform(6, 14, -0.3, 0.3), [14, 1, 1], 'grid'),
      maps: compute.upload(uniform(7, 5 * size * size), [5, size, size], 'maps'),
      image: full,
      anchor: { weights: new Float32Array(ANCHOR_FEATURES * 3) },
      strength: 1,
      width,
      height,
      onTile: () => undefined,
      checkpoint,
    });
    return data;
  }

  /** Renders `count` bands at once, and whether it was still given any. */
  function helper(count: number): Helpers & { helped: number } {
    const found = {
      helped: 0,
      async help(job: RenderJob, bands: Bands): Promise<void> {
        const rendering = renderBands(job, bands);
        while (found.helped < count && rendering.next().done !== true) found.helped += 1;
      },
      dispose: () => undefined,
    };
    return found;
  }

  it('make the same picture as one', async () => {
    const some = helper(2);
    const [alone, together] = [await render(), await render(some)];
    expect(some.helped).toBe(2);
    close(together, alone, 0);
  });

  it('are missed when one dies with a band', async () => {
    const dying: Helpers = {
      async help(_, { rows }) {
        Atomics.add(rows, 0, 1);
      },
      dispose: () => undefined,
    };
    await expect(render(dying)).rejects.toThrow('has died');
  });

  it('are given nothing more after a cancel', async () => {
    let bands: Bands | undefined;
    const watching: Helpers = {
      async help(_, given) {
        bands = given;
      },
      dispose: () => undefined,
    };
    await expect(render(watching, () => Promise.reject(new Error('cancelled')))).rejects.toThrow('cancelled');
    expect(bands?.rows[0]).toBeGreaterThanOrEqual(height);
  });
});

describe('head', () => {
  const size = 8;
  const gridSize = 3;
  const [width, height] = [21, 13];
  const image = noiseImage(5, width, height);
  const source = cpu.uploadImage(image, 'b');
  const b = cpu.prepare(source, size);
  const grid = uniform(6, 14 * gridSize * gridSize, -0.3, 0.3);
  const maps = uniform(7, 5 * size * size);
  const weights = uniform(8, ANCHOR_FEATURES * 3, -0.1, 0.1).fill(0, 30);

  async function render(change: Partial<FullRender<CpuData>>): Promise<Uint8ClampedArray> {
    const { data } = await cpu.renderFull({
      grid: cpu.upload(grid, [1, 14, gridSize, gridSize], 'grid'),
      maps: cpu.upload(maps, [1, 5, size, size], 'maps'),
      b,
      image: source,
      anchor: { weights },
      strength: 1,
      width,
      height,
      ...quiet,
      ...change,
    });
    return data;
  }

  it('is the formula of the architecture at every pixel', async () => {
    const strength = 1.4;
    const guide = await cpu.read(b);
    const own =
      (c: number): Look =>
      (x, y) =>
        image.data[(y * width + x) * 4 + c] / 255;
    const actual = await render({ strength });
    let most = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [u, v] = [(x + 0.5) / width, (y + 0.5) / height];
        const colour = [0, 1, 2].map((c) => own(c)(x, y));
        const delta = Array.from({ length: 14 }, (_, c) =>
          bilinear(planeLook(grid, c, gridSize), gridSize, gridSize, u, v),
        );
        const likeness: Look = (i, j) =>
          Math.exp(
            -colour.reduce((sum, value, c) => sum + (value - planeLook(guide, c, size)(i, j)) ** 2, 0) / 0.02,
          ) + 1e-3;
        const total = bilinear(likeness, size, size, u, v);
        const map = Array.from(
          { length: 5 },
          (_, c) =>
            bilinear((i, j) => likeness(i, j) * planeLook(maps, c, size)(i, j), size, size, u, v) / total,
        );
        const moved = [0, 1, 2].map((c) => bilinear(own(c), width, height, u + delta[12], v + delta[13]));
        const [r, g, bl] = colour;
        const features = [1, r, g, bl, r * r, g * g, bl * bl, r * g, r * bl, g * bl];
        for (let c = 0; c < 3; c++) {
          const anchor = clamp(
            colour[c] + features.reduce((sum, value, f) => sum + value * weights[f * 3 + c], 0),
          );
          const drawn =
            moved[c] + moved.reduce((sum, value, k) => sum + value * delta[c * 4 + k], delta[c * 4 + 3]);
          const edit = clamp((1 - map[3]) * anchor + map[3] * drawn + map[4] * map[c]);
          const expected = clamp(colour[c] + strength * (edit - colour[c])) * 255;
          most = Math.max(most, Math.abs(actual[(y * width + x) * 4 + c] - expected));
        }
        expect(actual[(y * width + x) * 4 + 3]).toBe(image.data[(y * width + x) * 4 + 3]);
      }
    }
    expect(most).toBeLessThanOrEqual(0.51);
  });

  it('is b at strength 0, and b where an untrained head meets no anchor', async () => {
    expect(await render({ strength: 0 })).toEqual(image.data);
    const closed = cpu.upload(new Float32Array(5 * size * size), [5, size, size], 'maps');
    expect(await render({ maps: closed, anchor: { weights: new Float32Array(246) } })).toEqual(image.data);
  });

  it.each(OUTSIDES)('reads b through a warp, with %s outside', async (outside) => {
    const warp = randomWarp(6, outside);
    const closed = cpu.upload(new Float32Array(5 * size * size), [5, size, size], 'maps');
    const actual = await render({ maps: closed, anchor: { weights: new Float32Array(246), warp } });
    let most = 0;
    for (let i = 0; i < width * height; i++) {
      const [u, v] = [((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height];
      for (let c = 0; c < 3; c++) {
        const look: Look = (x, y) => image.data[(y * width + x) * 4 + c] / 255;
        const expected = 255 * movedAt(look, width, height, warp, c, u, v);
        most = Math.max(most, Math.abs(actual[i * 4 + c] - expected));
      }
      expect(actual[i * 4 + 3]).toBe(image.data[i * 4 + 3]);
    }
    expect(most).toBeLessThanOrEqual(0.51);
  });

  it('is the anchor of the model’s size where b has that size', async () => {
    const small = noiseImage(12, size, size);
    small.data.forEach((_, i) => i % 4 === 3 && (small.data[i] = 255));
    const full = cpu.uploadImage(small, 'b');
    const prepared = cpu.prepare(full, size);
    const closed = cpu.upload(new Float32Array(5 * size * size), [5, size, size], 'maps');
    const anchor: Anchor = {
      weights: uniform(13, ANCHOR_FEATURES * 3, -0.05, 0.05),
      warp: randomWarp(6, 'colour'),
    };
    const job = { image: full, b: prepared, maps: closed, width: size, height: size };
    const shown = await render({ ...job, anchor });
    const planes = await cpu.read(cpu.anchorApply(full, prepared, anchor));
    const off = planes.map((value, i) => {
      const [c, at] = [Math.floor(i / size ** 2), i % size ** 2];
      return Math.abs(shown[at * 4 + c] - 255 * value);
    });
    expect(Math.max(...off)).toBeLessThanOrEqual(0.51);
  });

  it('tells rows done and stops at a checkpoint that throws', async () => {
    const told: (readonly [number, number])[] = [];
    await expect(
      render({
        onTile: (done, total) => told.push([done, total]),
        checkpoint: () => Promise.reject(new Error('cancelled')),
      }),
    ).rejects.toThrow('cancelled');
    expect(told).toEqual([[height, height]]);
  });

  it('ends a flow at the head itself', async () => {
    const inputs = {
      grid: cpu.upload(grid, [1, 14, gridSize, gridSize], 'grid'),
      maps: cpu.upload(maps, [1, 5, size, size], 'maps'),
      b,
    };
    const x = cpu.upload(uniform(9, 3 * size * size, -2, 2), [1, 3, size, size], 'x');
    cpu.flowStep(inputs, b, x, 0.75, 1);
    const preview = await cpu.renderPreview(inputs, b, 1);
    const result = await cpu.read(x);
    const expected = result.map((value) => ((value + 1) / 2) * 255);
    for (let i = 0; i < size * size; i++) {
      for (let c = 0; c < 3; c++) {
        expect(Math.abs(preview.data[i * 4 + c] - expected[c * size * size + i])).toBeLessThanOrEqual(0.51);
      }
    }
  });
});
