import { describe, expect, it } from 'vitest';
import { clipsOf, percentAfterKey, percentAt } from './compare';

describe('percentAt', () => {
  it('follows the pointer and stops at the edges', () => {
    expect(percentAt(150, 100, 200)).toBe(25);
    expect(percentAt(0, 100, 200)).toBe(0);
    expect(percentAt(999, 100, 200)).toBe(100);
    expect(percentAt(5, 0, 0)).toBe(50);
  });
});

describe('percentAfterKey', () => {
  it('moves by small and large steps, to both ends, and never beyond', () => {
    expect(percentAfterKey(50, 'ArrowRight')).toBe(52);
    expect(percentAfterKey(50, 'ArrowLeft')).toBe(48);
    expect(percentAfterKey(50, 'PageUp')).toBe(70);
    expect(percentAfterKey(99, 'ArrowRight')).toBe(100);
    expect(percentAfterKey(1, 'PageDown')).toBe(0);
    expect(percentAfterKey(30, 'Home')).toBe(0);
    expect(percentAfterKey(30, 'End')).toBe(100);
  });

  it('leaves other keys to the page', () => {
    expect(percentAfterKey(50, 'Tab')).toBeUndefined();
    expect(percentAfterKey(50, 'toString')).toBeUndefined();
  });
});

it('shows b on the left of the line', () => {
  expect(clipsOf(30)).toEqual({ before: 'inset(0 70% 0 0)', after: 'inset(0 0 0 30%)' });
});
