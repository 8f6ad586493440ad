import { describe, expect, it } from 'vitest';
import { changedElement } from './merge';

const c = (...values: number[]): Float32Array => Float32Array.from(values);

describe('changedElement', () => {
  it.each([
    ['nothing', c(1, 2, 3, 4), c(1, 2, 3, 4), 'none'],
    ['one place', c(1, 2, 3, 4), c(1, 5, 3, 4), 1],
    ['one column', c(1, 2, 3, 4), c(0, 2, 0, 4), 0],
    ['two columns', c(1, 2, 3, 4), c(0, 2, 3, 0), 'many'],
  ] as const)('finds %s', (_, before, after, expected) => {
    expect(changedElement(before, after, 2)).toBe(expected);
  });
});
