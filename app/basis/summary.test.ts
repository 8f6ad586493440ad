import { expect, it } from 'vitest';
import { elementMeans, isEven, largest, sentenceCase, strongest } from './summary';

const coefficients = { targets: 2, elements: 3, values: Float32Array.of(0.5, 0.25, 0.25, 0.25, 0.25, 0.5) };

it('takes the mean over targets per element', () => {
  expect([...elementMeans(coefficients)]).toEqual([0.375, 0.25, 0.375]);
});

it('knows when no element stands out', () => {
  expect(isEven(Float64Array.of(0.25, 0.3, 0.2, 0.25))).toBe(true);
  expect(isEven(Float64Array.of(0.1, 0.7, 0.1, 0.1))).toBe(false);
});

it('ranks by size whatever the sign, and keeps the order of equals', () => {
  expect(strongest(Float64Array.of(0.1, -0.9, 0.3, 0.3), 3)).toEqual([1, 2, 3]);
  expect(largest([0.1, -0.9, 0.3])).toBe(0.9);
});

it('begins a name that stands alone with a capital', () => {
  expect(sentenceCase('drawing (ink, comic)')).toBe('Drawing (ink, comic)');
  expect(sentenceCase('')).toBe('');
});
