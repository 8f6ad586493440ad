import { describe, expect, it } from 'vitest';
import { nameOf } from './anchor-fit';
import { FILTER_KNOTS, FILTERS, filterBank, filterRows, filterTaps } from './reference/filters';
import { planesOf } from './reference/anchor';
import { planarSource } from './reference/source';
import { anchorOf, errorOn, grainy, SIZE } from './testing/own-pixels';
import { uniform } from './testing/parity';

const PLANE = SIZE * SIZE;

/** `make` of each channel's pixels, which it reads by their column and row, the nearest ones beyond the edges. */
function edited(
  planes: Float32Array,
  make: (at: (x: number, y: number) => number, x: number, y: number) => number,
): Float32Array {
  const inside = (value: number): number => Math.min(SIZE - 1, Math.max(0, value));
  return planes.map((_, i) => {
    const plane = planes.subarray(Math.floor(i / PLANE) * PLANE);
    const [x, y] = [i % SIZE, Math.floor((i % PLANE) / SIZE)];
    return make((p, q) => plane[inside(q) * SIZE + inside(p)], x, y);
  });
}

function dilated(planes: Float32Array): Float32Array {
  const cross = [[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]] as const; // prettier-ignore
  return edited(planes, (at, x, y) => Math.max(...cross.map(([i, j]) => at(x + i, y + j))));
}

function outlined(planes: Float32Array): Float32Array {
  return edited(planes, (at, x, y) => {
    const steep = Math.hypot(at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1));
    return 1 - Math.min(1, 2 * steep);
  });
}

function grey(planes: Float32Array): Float32Array {
  return planes.map((_, i) => {
    const p = i % PLANE;
    return 0.299 * planes[p] + 0.587 * planes[PLANE + p] + 0.114 * planes[2 * PLANE + p];
  });
}

it('responds to what is around a pixel, the nearest ones beyond the edges', () => {
  const [width, height] = [13, 11];
  const plane = uniform(5, width * height);
  const wide = [uniform(6, width), uniform(7, width)];
  const bank = filterBank(width, height, (y, out) => out.set(plane.subarray(y * width, (y + 1) * width)));
  const at = (x: number, y: number): number =>
    plane[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
  const taps = filterTaps();
  const bent = (off: number): number => 0.5 + (0.5 * off) / (Math.abs(off) + 0.1);
  const steep = (dx: number, dy: number): number => Math.hypot(dx, dy) / (Math.hypot(dx, dy) + 0.05);
  // Out of order, as bands of a render that several threads take are.
  for (const y of [0, 1, 2, 7, 10, 3]) {
    const responses = bank(y, wide);
    for (const x of [0, 1, 6, 12]) {
      const sum = (across: number, down: number): number => {
        let total = 0;
        for (let j = -4; j <= 4; j++)
          for (let i = -4; i <= 4; i++) total += taps[i + 4][across] * taps[j + 4][down] * at(x + i, y + j);
        return total;
      };
      const disc = (radius: number): number[] => {
        const inside: number[] = [];
        for (let j = -4; j <= 4; j++)
          for (let i = -4; i <= 4; i++)
            if (i * i + j * j <= radius * radius + 0.5) inside.push(at(x + i, y + j));
        return [Math.max(...inside), Math.min(...inside)];
      };
      const expected = [
        at(x, y),
        bent(at(x, y) - sum(0, 0)),
        bent(sum(0, 0) - sum(2, 2)),
        steep((at(x + 1, y) - at(x - 1, y)) / 2, (at(x, y + 1) - at(x, y - 1)) / 2),
        steep(sum(1, 0), sum(0, 1)),
        steep(sum(3, 2), sum(2, 3)),
        ...[1, 2, 3, 4].flatMap(disc),
        ...wide.map((blur) => bent(at(x, y) - blur[x])),
      ];
      expected.forEach((value, k) =>
        expect(responses[k][x], `filter ${k} at ${x}, ${y}`).toBeCloseTo(value, 5),
      );
    }
  }
});

it('leaves a picture as it is when only the first table says anything, and that the value itself', () => {
  const table = new Float32Array(3 * FILTERS * FILTER_KNOTS);
  for (let i = 0; i < 3 * FILTER_KNOTS; i++) table[i] = Math.floor(i / 3) / (FILTER_KNOTS - 1);
  const planes = uniform(8, 3 * 20 * 16);
  const source = planarSource(planes, 20, 16);
  const wide = [1, 2].map((seed) => uniform(seed, 3 * 64));
  const rows = filterRows(source, { kind: 'filters of channel', table }, wide, 8);
  const out = planesOf(20);
  rows({ width: 20, v: 4.5 / 16, colours: out, source }, out);
  out.forEach((row, c) => row.forEach((value, x) => expect(value).toBeCloseTo(planes[c * 320 + 80 + x], 6)));
});

describe.each([
  ['the greatest of five pixels', dilated, 'filters of channel', 1e-4],
  ['outlines', outlined, 'filters of channel', 1e-3],
  ['outlines of luma', (planes: Float32Array) => outlined(grey(planes)), 'filters of luma', 1e-3],
] as const)('%s', (_, edit, name, most) => {
  it('is found, and done to another picture', async () => {
    const [a, b] = [grainy(1), grainy(40)];
    const fit = await anchorOf(a, edit(a));
    expect(nameOf(fit)).toBe(name);
    expect(await errorOn(fit, b, edit(b))).toBeLessThan(most);
  });
});

it('is not what a curve, noise or a band across the picture looks like', async () => {
  const a = grainy(1);
  const noise = uniform(9, 3 * PLANE, -0.1, 0.1);
  const band = (value: number, i: number): number =>
    i % PLANE > 30 * SIZE && i % PLANE < 60 * SIZE ? 1 : value;
  for (const a2 of [a.map((value) => value ** 2), a.map((value, i) => value + noise[i]), a.map(band)])
    expect(nameOf(await anchorOf(a, a2))).not.toMatch(/filters/);
});
