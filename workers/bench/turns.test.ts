import { expect, it } from 'vitest';
import { inTurns, spreadOf } from './turns';

it('gives the median and the quartiles', () => {
  expect(spreadOf([5, 1, 3, 2, 4])).toEqual({ median: 3, low: 2, high: 4 });
  expect(spreadOf([1, 2])).toEqual({ median: 1.5, low: 1.25, high: 1.75 });
});

it('lets works take turns, and repeats the short one', async () => {
  const calls: string[] = [];
  const wait = (ms: number): void => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  const works = {
    long: () => {
      calls.push('long');
      wait(8);
    },
    short: () => {
      calls.push('short');
      wait(1);
    },
  };
  const times = await inTurns(works, { rounds: 2, least: 5, settle: async () => undefined });
  // Calls to warm up and one to see how long it takes, then one turn each in every round.
  const turns = calls.filter((name, i) => i === 0 || name !== calls[i - 1]);
  expect(turns).toEqual(['long', 'short', 'long', 'short', 'long', 'short']);
  expect(calls.slice(0, calls.indexOf('short')).length).toBeGreaterThan(2);
  expect(calls.slice(calls.lastIndexOf('long') - 1).filter((name) => name === 'long')).toHaveLength(1);
  expect(calls.filter((name) => name === 'short').length).toBeGreaterThan(4);
  expect(times.long.median).toBeGreaterThanOrEqual(8);
  expect(times.short.median).toBeGreaterThanOrEqual(1);
});

it('lets a work that has had its share of the time sit out', async () => {
  let [long, short] = [0, 0];
  const works = {
    long: () => {
      long += 1;
      const end = performance.now() + 30;
      while (performance.now() < end);
    },
    short: () => {
      short += 1;
    },
  };
  await inTurns(works, { rounds: 4, least: 0, most: 50, settle: async () => undefined });
  // One call to warm up, one to see how long it takes, and one turn: 30 of its 25 ms.
  expect(long).toBe(3);
  expect(short).toBeGreaterThanOrEqual(3);
});
