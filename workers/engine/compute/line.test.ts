import { expect, it } from 'vitest';
import { createCpuCompute } from './cpu';
import { lineOf } from './reference/line';
import { picture, uniform } from './testing/parity';

const SIZE = 16;
const PLANE = SIZE * SIZE;

/** Ink on paper, by how light a picture is. */
function printed(u: Float32Array, ink: readonly number[], paper: readonly number[]): Float32Array {
  return u.map((_, at) => {
    const [c, i] = [Math.floor(at / PLANE), at % PLANE];
    const light = (u[i] + u[PLANE + i] + u[2 * PLANE + i]) / 3;
    return ink[c] + (paper[c] - ink[c]) * light;
  });
}

const a = picture(3, SIZE);

it('is there where all colours are of one ink on one paper', () => {
  const line = lineOf(a, printed(a, [0.1, 0.2, 0.5], [0.9, 0.85, 0.7]));
  if (line === undefined) throw new Error('no line was found');
  const away = [0.8, 0.65, 0.2];
  const length = Math.hypot(...away);
  line.way.forEach((value, c) => expect(value).toBeCloseTo(away[c] / length, 4));
});

it('is not there where colours are left, nor where a shows none', () => {
  expect(lineOf(a, a)).toBeUndefined();
  const grey = printed(a, [0, 0, 0], [1, 1, 1]);
  expect(lineOf(grey, grey)).toBeUndefined();
});

it('leaves no other colour in what the head draws', async () => {
  const line = lineOf(a, printed(a, [0, 0, 0], [1, 1, 1]));
  const cpu = createCpuCompute();
  const head = {
    grid: cpu.upload(uniform(1, 14 * 16, -0.2, 0.2), [14, 4, 4], 'grid'),
    maps: cpu.upload(uniform(2, 5 * PLANE), [5, SIZE, SIZE], 'maps'),
    b: cpu.upload(picture(4, SIZE), [3, SIZE, SIZE], 'b'),
    line,
  };
  const anchor = cpu.upload(picture(5, SIZE), [3, SIZE, SIZE], 'anchor');
  const { data } = await cpu.renderPreview(head, anchor, 1);
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = data.subarray(at, at + 3);
    expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThanOrEqual(1);
  }
});
