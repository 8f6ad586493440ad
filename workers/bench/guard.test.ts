import { expect, it } from 'vitest';
import { compare, lowest, medians, ratiosOf, type Guarded } from './guard';
import { GRAM_WAYS, WAYS, type Row } from './results';

const row = (name: string, median: number): Row => ({ name, ms: { median, low: median, high: median } });

/** `merge` milliseconds of our merge beside 12 of ORT's graph. */
function guarded(merge: number): Guarded {
  return {
    merge: {
      rows: [
        row(WAYS.graph, 12),
        row(WAYS.merge, merge),
        row(WAYS.elements, 40),
        row(WAYS.element, merge / 8),
        row(WAYS.half, merge / 2),
        row(WAYS.typescript, 20),
        row(WAYS.wasm, 4),
      ],
    },
    gram: [row(GRAM_WAYS.typescript, 9), row(GRAM_WAYS.wasm, 3)],
  };
}

it('finds what is more than a quarter worse, and takes the best of several tries', () => {
  const worse = (...tries: number[]): string[] =>
    compare(ratiosOf(guarded(4)), tries.map(guarded))
      .filter((each) => each.worse)
      .map(({ name }) => name);
  expect(worse(4.9)).toEqual([]);
  expect(worse(5.1)).toEqual(['merge over ORT’s graph', 'merge over one element at a time']);
  expect(worse(5.1, 4.9)).toEqual([]);
  expect(worse(2)).toEqual([]);
});

it('keeps the middle of several measurements, whatever the luckiest one was', () => {
  const kept = medians([9, 4, 1, 5, 4].map(guarded));
  expect(kept).toEqual(ratiosOf(guarded(4)));
  expect(compare(kept, [guarded(4.9)]).filter(({ worse }) => worse)).toEqual([]);
});

it('keeps the lower ratio of two machines', () => {
  expect(lowest({ one: 2, other: 5 }, { one: 3, other: 4 })).toEqual({ one: 2, other: 4 });
  expect(lowest({ one: 2 }, undefined)).toEqual({ one: 2 });
});
