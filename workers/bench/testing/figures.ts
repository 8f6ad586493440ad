/** Keeps results in docs/performance.json and in the tables of docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { BenchResult } from '../results';
import { withTables } from '../tables';

const FIGURES = 'docs/performance.json';
const DOCUMENT = 'docs/performance.md';

/** In place of those of the same adapter; the repository is the working directory. */
export function keep(result: BenchResult): void {
  const key = ({ where, adapter, type }: BenchResult): string => `${where} ${adapter} ${type}`;
  const earlier = JSON.parse(readFileSync(FIGURES, 'utf8')) as BenchResult[];
  const all = [...earlier.filter((each) => key(each) !== key(result)), result].sort((x, y) =>
    key(x).localeCompare(key(y)),
  );
  writeFileSync(FIGURES, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(DOCUMENT, withTables(readFileSync(DOCUMENT, 'utf8'), all));
}
