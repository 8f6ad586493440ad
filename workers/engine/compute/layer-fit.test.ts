import { expect, it } from 'vitest';
import { createCpuCompute } from './cpu';
import { fitAnchor, nameOf } from './anchor-fit';
import { refineLayer } from './layer-paint';
import { thin } from '../image/thin';
import { wordsOf } from '../noise';
import type { RgbaImage } from '../protocol';
import { picture } from './testing/parity';

const SIZE = 128;

/** A frame of one colour. */
function framed(planes: Float32Array, size: number): Float32Array {
  const colour = [0.9, 0.2, 0.4];
  const width = (12 * size) / SIZE;
  return planes.map((value, k) => {
    const i = k % (size * size);
    const [x, y] = [i % size, Math.floor(i / size)];
    const inside = Math.min(x, y, size - 1 - x, size - 1 - y) >= width;
    return inside ? value : colour[Math.floor(k / (size * size))];
  });
}

/** A plain sky over the upper half. */
function belowASky(planes: Float32Array, size: number): Float32Array {
  const plane = size * size;
  return planes.map((value, k) => {
    const y = Math.floor((k % plane) / size) / size;
    return y < 0.5 ? 0.3 + y + 0.2 * (Math.floor(k / plane) - 1) : value;
  });
}

/** White type on a dark bar that one can see through. */
function captioned(planes: Float32Array, size: number): Float32Array {
  return planes.map((value, k) => {
    const [x, y] = [k % size, Math.floor((k % (size * size)) / size)];
    if (y < 8 || y >= 36) return value;
    const type = y >= 14 && y < 28 && x >= 8 && x < size - 8 && (x - 8) % 10 < 5;
    return type ? 1 : 0.4 * value;
  });
}

/** White type with a soft shadow, drawn at four times the size: every pixel of its edges is a mixture. */
function shadowed(planes: Float32Array, size: number): Float32Array {
  const type = (x: number, y: number): boolean =>
    y >= 60 &&
    y < 170 &&
    x >= 32 &&
    x < 448 &&
    ((x - 32) % 26 < 8 || ((x - 32) % 26 < 18 && (y - 60) % 17 < 8));
  const shade = (x: number, y: number): number => {
    let count = 0;
    for (let down = 0; down <= 12; down++)
      for (let across = 0; across <= 12; across++) if (type(x - across, y - down)) count++;
    return count / 169;
  };
  const [white, clear] = [new Float32Array(size * size), new Float32Array(size * size)];
  for (let y = 0; y < 4 * size; y++)
    for (let x = 0; x < 4 * size; x++) {
      const i = Math.floor(y / 4) * size + Math.floor(x / 4);
      if (type(x, y)) white[i] += 1 / 16;
      else clear[i] += (1 - 0.6 * shade(x, y)) / 16;
    }
  return planes.map((value, k) => value * clear[k % (size * size)] + white[k % (size * size)]);
}

/** White type on a shade that grows darker from the middle of the picture to its lower edge. */
function shaded(planes: Float32Array, size: number): Float32Array {
  return planes.map((value, k) => {
    const [x, y] = [k % size, Math.floor((k % (size * size)) / size)];
    const type = y >= size - 34 && y < size - 18 && x >= 8 && x < 70 && (x - 8) % 8 < 4;
    return type ? 1 : value * Math.min(1, 2 - (2 * (y + 0.5)) / size);
  });
}

/** Lines where neighbours differ, black where they differ much: paint of one colour. */
function inked(planes: Float32Array, size: number): Float32Array {
  const plane = size * size;
  const grey = Float32Array.from(
    { length: plane },
    (_, i) => (planes[i] + planes[plane + i] + planes[2 * plane + i]) / 3,
  );
  const around = (i: number): number[] =>
    [-1, 0, 1].flatMap((down) =>
      [-1, 0, 1].map((across) => {
        const [x, y] = [(i % size) + across, Math.floor(i / size) + down];
        const clamp = (at: number): number => Math.min(size - 1, Math.max(0, at));
        return grey[clamp(y) * size + clamp(x)];
      }),
    );
  const ink = grey.map((_, i) => {
    const near = around(i);
    return Math.min(1, Math.max(0, 4 * (Math.max(...near) - Math.min(...near) - 0.05)));
  });
  return planes.map((value, k) => value * (1 - ink[k % plane]));
}

const cpu = createCpuCompute();

const fitOf = (a: Float32Array, a2: Float32Array): ReturnType<typeof fitAnchor> => {
  const dims = [3, SIZE, SIZE];
  const pair = { a: cpu.upload(a, dims, 'a'), a2: cpu.upload(a2, dims, 'a2'), pixels: undefined };
  return fitAnchor(cpu, pair, () => Promise.resolve());
};

it('finds a frame, which lies over another picture as it did over a', async () => {
  const [a, b] = [picture(1, SIZE), picture(2, SIZE)];
  const dims = [3, SIZE, SIZE];
  const pair = {
    a: cpu.upload(a, dims, 'a'),
    a2: cpu.upload(framed(a, SIZE), dims, 'a2'),
    pixels: undefined,
  };
  const fit = await fitAnchor(cpu, pair, () => Promise.resolve());
  expect(nameOf(fit)).toBe('layer');
  const layer = fit.layer?.data ?? [];
  const truth = framed(b, SIZE);
  const off = b.map((value, k) => {
    const i = k % (SIZE * SIZE);
    const c = Math.floor(k / (SIZE * SIZE));
    return Math.abs(value * (1 - layer[4 * i + 3] / 255) + layer[4 * i + c] / 255 - truth[k]);
  });
  expect(off.reduce((sum, value) => sum + value, 0) / off.length).toBeLessThan(2e-3);
});

it('finds a caption where a has no edges', async () => {
  const a = belowASky(picture(1, SIZE), SIZE);
  expect(nameOf(await fitOf(a, captioned(a, SIZE)))).toBe('layer');
});

it('finds type with a shadow, though its edges are mixtures', async () => {
  const a = picture(1, SIZE).map((value) => Math.min(1, Math.max(0, 4 * (value - 0.5) + 0.5)));
  expect(nameOf(await fitOf(a, shadowed(a, SIZE)))).toBe('layer');
});

it('finds type on a shade over half of a picture, where its lower half is dark too', async () => {
  const dark = picture(1, SIZE).map((value, k) => {
    const y = Math.floor((k % (SIZE * SIZE)) / SIZE) / SIZE;
    return value * (1 - 0.6 * y);
  });
  expect(nameOf(await fitOf(dark, shaded(dark, SIZE)))).toBe('layer');
});

it('finds type over another edit of a picture with far more pixels than the model sees', async () => {
  const [size, side] = [512, 64];
  const coarse = picture(1, side);
  const word = wordsOf(5);
  const own = (k: number): number => {
    const [c, i] = [Math.floor(k / size ** 2), k % size ** 2];
    const at = Math.floor(Math.floor(i / size) / 8) * side + Math.floor((i % size) / 8);
    // Detail of a pixel's size, alike in all channels.
    return Math.min(1, Math.max(0, coarse[c * side * side + at] + 0.5 * (word(i) / 2 ** 32 - 0.5)));
  };
  const bytes = (edit: (value: number, i: number) => number): RgbaImage => {
    const data = new Uint8ClampedArray(4 * size * size).fill(255);
    for (let i = 0; i < size * size; i++)
      for (let c = 0; c < 3; c++) data[4 * i + c] = Math.round(255 * edit(own(c * size * size + i), i));
    return { width: size, height: size, data };
  };
  const isType = (i: number): boolean => {
    const [x, y] = [i % size, Math.floor(i / size)];
    return y >= 200 && y < 280 && x >= 50 && x < 450 && (x - 50) % 50 < 25;
  };
  const whole = { a: bytes((value) => value), a2: bytes((value, i) => (isType(i) ? 1 : 0.1 + 0.6 * value)) };
  const pixels = { a: thin(whole.a, 3 * side, 3 * side), a2: thin(whole.a2, 3 * side, 3 * side), whole };
  const [a, a2] = [whole.a, whole.a2].map((image) => cpu.prepare(cpu.uploadImage(image, 'picture'), side));
  const fit = await fitAnchor(cpu, { a, a2, pixels }, () => Promise.resolve());
  expect(nameOf(fit)).toBe('colour + layer');
  // Type lies in rows 25 to 35 of 64; detail is no part of a layer.
  const laid = Array.from({ length: side * side }, (_, i) => i).filter((i) => fit.layer?.data[4 * i + 3]);
  expect(Math.min(...laid)).toBeGreaterThanOrEqual(24 * side);
  expect(Math.max(...laid)).toBeLessThan(36 * side);
});

it('takes lines along the edges of a for no layer', async () => {
  const a = picture(3, SIZE);
  expect(nameOf(await fitOf(a, inked(a, SIZE)))).not.toMatch(/layer/);
});

it('finds what was laid under the noise of a JPEG, which is only about it', async () => {
  const a = picture(1, SIZE);
  const word = wordsOf(9);
  const plane = SIZE * SIZE;
  const spot = (i: number): boolean =>
    word(Math.floor((i % SIZE) / 8) + 16 * Math.floor(i / SIZE / 8)) < 0.1 * 2 ** 32;
  const a2 = a.map((value, k) => {
    if (!spot(k % plane)) return value;
    const [x, y] = [k % SIZE, Math.floor((k % plane) / SIZE)];
    const noise = 0.06 * (word(1000 + k) / 2 ** 32 - 0.5);
    const inside = Math.max(Math.abs((x % 8) - 4), Math.abs((y % 8) - 4)) < 3;
    return Math.min(1, Math.max(0, (inside ? 1 : value) + noise));
  });
  const dims = [3, SIZE, SIZE];
  const pair = { a: cpu.upload(a, dims, 'a'), a2: cpu.upload(a2, dims, 'a2'), pixels: undefined };
  const fit = await fitAnchor(cpu, pair, () => Promise.resolve());
  expect(nameOf(fit)).toBe('layer');
  expect(fit.sketch?.trust.least).toBeGreaterThan(0);
});

it('makes a layer sharp at the size of the pair', async () => {
  const own = picture(3, 2 * SIZE);
  const small = picture(1, SIZE);
  const dims = [3, SIZE, SIZE];
  const pair = {
    a: cpu.upload(small, dims, 'a'),
    a2: cpu.upload(framed(small, SIZE), dims, 'a2'),
    pixels: undefined,
  };
  const { sketch } = await fitAnchor(cpu, pair, () => Promise.resolve());
  if (sketch === undefined) throw new Error('no layer was found');
  const change = { u: own, a2: framed(own, 2 * SIZE), width: 2 * SIZE, height: 2 * SIZE };
  const { data } = refineLayer(sketch, change);
  const alpha = (x: number, y: number): number => data[4 * (y * 2 * SIZE + x) + 3];
  expect(alpha(2 * SIZE - 24, SIZE)).toBeGreaterThan(245);
  expect(alpha(2 * SIZE - 25, SIZE)).toBeLessThan(10);
});

it('takes the noise of pixels for no layer where nothing was laid near by', async () => {
  const word = wordsOf(3);
  // Bright, as the frame is: noise goes a long way to its colour.
  const pale = (planes: Float32Array): Float32Array =>
    planes.map((value, k) => 0.1 * value + ([0.82, 0.17, 0.36][Math.floor(k / (planes.length / 3))] ?? 0));
  const noisy = (planes: Float32Array, most: number): Float32Array =>
    planes.map((value, k) => value + most * (word(k) / 2 ** 31 - 1));
  const small = pale(picture(1, SIZE));
  const { sketch } = await fitOf(small, noisy(framed(small, SIZE), 0.008));
  if (sketch === undefined) throw new Error('no layer was found');
  const own = pale(picture(3, 2 * SIZE));
  const a2 = noisy(framed(own, 2 * SIZE), 0.06);
  const { data } = refineLayer(sketch, { u: own, a2, width: 2 * SIZE, height: 2 * SIZE });
  const middle = Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [SIZE / 2 + (i % SIZE), SIZE / 2 + Math.floor(i / SIZE)];
    return data[4 * (y * 2 * SIZE + x) + 3];
  });
  expect(Math.max(...middle)).toBeLessThan(20);
});
