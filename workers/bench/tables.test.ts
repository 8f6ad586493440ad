import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { BenchResult } from './results';
import { stepsToWin, withTables } from './tables';

const flat = (median: number): { median: number; low: number; high: number } => ({
  median,
  low: median,
  high: median,
});

const result: BenchResult = {
  where: 'Node, Dawn',
  adapter: 'some card',
  type: 'float16',
  merge: {
    targets: 2,
    elements: 32,
    rank: 4,
    bytes: 4e6,
    multiplyAdds: 8e6,
    difference: 0.001,
    rows: [
      { name: 'copy of as many bytes', ms: flat(1) },
      { name: 'merge', ms: flat(2) },
      { name: 'ORT graph', ms: flat(7) },
    ],
  },
  large: undefined,
  growth: [
    {
      of: 'elements',
      points: [
        { value: 16, ms: flat(1) },
        { value: 32, ms: flat(2) },
      ],
    },
  ],
  sidePath: [{ elements: 32, rank: 4, merge: flat(10), merged: flat(2), side: flat(6) }],
  anchor: { gram: [{ name: 'webgpu', ms: flat(3) }], points: [] },
  edits: [],
  steps: [
    {
      backend: 'webgpu',
      adapter: 'some card',
      precision: 'fp16',
      rows: [
        { name: 'engine', ms: flat(21) },
        { name: 'session.run', ms: flat(20) },
      ],
    },
  ],
};

it('writes tables between the markers and leaves the rest', () => {
  const document =
    'Before.\n<!-- bench:merge -->\nold\n<!-- /bench -->\nBetween.\n<!-- bench:growth -->\n<!-- /bench -->\n';
  const written = withTables(document, [result]);
  expect(written).toContain('Before.\n<!-- bench:merge -->\n');
  expect(written).not.toContain('old');
  expect(written).toContain('| ORT graph | 7.00 (7.00–7.00) | 3.50 × |');
  expect(written).toContain('50.0 % of the copy’s bandwidth');
  expect(written).toContain('| elements | 16: 1.00, 32: 2.00 | 1.00 |');
  expect(withTables(written, [result])).toBe(written);
  expect(() => withTables('<!-- bench:other -->\n<!-- /bench -->', [result])).toThrow(/other/);
});

it('tells from how many steps merging wins', () => {
  const [point] = result.sidePath;
  expect(stepsToWin(point)).toBe(3);
  expect(stepsToWin({ ...point, side: flat(2) })).toBeUndefined();
});

it('has written the tables of docs/performance.md from docs/performance.json', async () => {
  const results = JSON.parse(readFileSync('docs/performance.json', 'utf8')) as BenchResult[];
  const written = withTables(readFileSync('docs/performance.md', 'utf8'), results);
  // `npx vitest run tables -u` writes them again.
  await expect(written).toMatchFileSnapshot('../../docs/performance.md');
});
