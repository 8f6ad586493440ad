import { describe, expect, it } from 'vitest';
import { valueAt } from './select';

describe('valueAt', () => {
  it.each([1, 2, 5, 100, 1001])('says what would be where if %i values were sorted', (count) => {
    // With many of the same.
    const values = Float64Array.from({ length: count }, (_, i) =>
      Math.round(8 * Math.sin(1 + 78.233 * i * i)),
    );
    const sorted = values.slice().sort();
    for (const place of new Set([0, count >> 1, (count - 1) >> 1, count - 1]))
      expect(valueAt(values.slice(), place)).toBe(sorted[place]);
  });
});
