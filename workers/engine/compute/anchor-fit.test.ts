import { describe, expect, it } from 'vitest';
import { fitAnchor, type AnchorFit } from './anchor-fit';
import { solveCholesky } from './cholesky';
import { anchorApply, anchorGram } from './reference/anchor';
import { anchorFields } from './reference/fields';
import { distance, picture, uniform } from './testing/parity';

const SIZE = 48;
const PLANE = SIZE * SIZE;

/** A picture with fine grain, so that blurs and copies differ from the picture itself. */
function grainy(seed: number): Float32Array<ArrayBuffer> {
  const grain = uniform(seed + 50, 3 * PLANE, -0.1, 0.1);
  return picture(seed, SIZE).map((value, i) => 0.1 + 0.8 * value + grain[i]);
}

function fit(a: Float32Array, a2: Float32Array): AnchorFit {
  return fitAnchor(anchorGram(a, a2, SIZE));
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

describe('fitAnchor', () => {
  const a = grainy(1);
  const b = grainy(2);

  it('recovers a colour matrix and carries it to another picture', () => {
    const matrix = (r: number, g: number, bl: number): number[] => [
      0.7 * r + 0.1 * g + 0.05,
      0.8 * g + 0.1 * bl,
      0.2 * r + 0.6 * bl,
    ];
    const { name, weights } = fit(a, mapColours(a, matrix));
    expect(name).toBe('colour');
    expect(distance(anchorApply(b, weights, SIZE), mapColours(b, matrix))).toBeLessThan(1e-3);
    expect([...weights.subarray(30)].every((weight) => weight === 0)).toBe(true);
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
    const { name, weights } = fit(a, mapPlaces(a, from));
    expect(name).toBe('copies');
    expect(error(anchorApply(b, weights, SIZE), mapPlaces(b, from))).toBeLessThan(1e-4);
  });

  it('chooses tone for a curve with knees', () => {
    const curve = (value: number): number => Math.min(0.6, Math.max(0.2, value));
    expect(fit(a, a.map(curve)).name).toBe('tone');
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

describe('solveCholesky', () => {
  it('solves what is positive definite and refuses what is not', () => {
    const solved = solveCholesky(Float64Array.of(4, 2, 2, 3), Float64Array.of(8, 7), 2, 1);
    expect(distance(solved ?? [], [1.25, 1.5])).toBeLessThan(1e-15);
    expect(solveCholesky(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1), 2, 1)).toBeUndefined();
    expect(solveCholesky(Float64Array.of(NaN), Float64Array.of(1), 1, 1)).toBeUndefined();
  });
});
