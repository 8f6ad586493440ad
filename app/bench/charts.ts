/** What the page shows of a result: bars that belong together. */
import { COPIES, EDIT_WAYS, STEP_WAYS, WAYS, type BenchResult, type Row } from '../../workers/bench/results';
import type { Backend } from '../../workers/engine/protocol';
import { text } from '../i18n';

export interface Chart {
  readonly title: string;
  /** Milliseconds. */
  readonly bars: readonly { readonly name: string; readonly ms: number; readonly ours: boolean }[];
}

/** The steps of the edit that the side path is shown for. */
const STEPS = 4;
const OURS = new Set<string>([WAYS.merge, WAYS.half, WAYS.element, STEP_WAYS.engine]);

function barsOf(rows: readonly Row[]): Chart['bars'] {
  return rows.map(({ name, ms }) => ({ name, ms: ms.median, ours: OURS.has(name) }));
}

/** Of a render or an edit, whose rows are all ours but the copies and bare runs beside them. */
function mostlyOurs(rows: readonly Row[]): Chart['bars'] {
  const others: readonly string[] = [...Object.values(COPIES), EDIT_WAYS.bare];
  return rows.map(({ name, ms }) => ({ name, ms: ms.median, ours: !others.includes(name) }));
}

const named = (backend: Backend): string => (backend === 'webgpu' ? 'WebGPU' : 'WebAssembly');

export function chartsOf({ merge, large, growth, sidePath, anchor, steps, edits }: BenchResult): Chart[] {
  const words = text.bench;
  return [
    { title: words.merge, bars: barsOf(merge.rows) },
    ...(large ? [{ title: words.large, bars: barsOf(large.rows) }] : []),
    ...[growth, ...steps.map((step) => step.growth ?? [])].flat().map(({ of, points }) => ({
      title: words.growth[of],
      bars: points.map(({ value, ms }) => ({ name: String(value), ms: ms.median, ours: true })),
    })),
    {
      title: words.sidePath(STEPS),
      bars: sidePath.flatMap(({ elements, rank, merge: once, merged, side }) => [
        { name: words.merged(elements * rank), ms: once.median + STEPS * merged.median, ours: true },
        { name: words.side(elements * rank), ms: STEPS * side.median, ours: false },
      ]),
    },
    { title: words.gram, bars: mostlyOurs(anchor.gram) },
    ...anchor.points.map(({ megapixels, rows }) => ({
      title: words.render(megapixels),
      bars: mostlyOurs(rows),
    })),
    ...steps.map(({ backend, precision, rows }) => ({
      title: words.step(named(backend), precision),
      bars: barsOf(rows),
    })),
    ...edits.flatMap(({ backend, precision, first, points }) => [
      { title: words.first(named(backend), precision), bars: mostlyOurs(first) },
      ...points.map(({ megapixels, rows }) => ({
        title: words.edit(named(backend), precision, megapixels),
        bars: mostlyOurs(rows),
      })),
    ]),
  ];
}
