/** Ratios of one run that say how well the code does whatever the machine, and whether they have got worse. */
import { GRAM_WAYS, WAYS, type BenchResult, type Row } from './results';

/** Of a BenchResult, what the guard measures again. */
export interface Guarded {
  readonly merge: Pick<BenchResult['merge'], 'rows'>;
  readonly gram: readonly Row[];
}

/** A ratio may be this many times worse than its baseline. */
const TOLERATED = 1.25;
/**
 * One of two ways on the processor more: what a compiler makes of TypeScript beside ONNX Runtime's vectors differs
 * by a third between two processors, with the same code.
 */
const TOLERATED_OF_PROCESSORS = 1.6;

function over(rows: readonly Row[], slow: string, quick: string): number {
  const [one, other] = [slow, quick].map((name) => rows.find((row) => row.name === name)?.ms.median);
  if (one === undefined || other === undefined) throw new Error(`${slow} or ${quick} was not measured`);
  return one / other;
}

/** How many times faster ours is than what it is compared with: more is better. */
export function ratiosOf({ merge, gram }: Guarded): Ratios {
  return {
    'merge over ORT’s graph': over(merge.rows, WAYS.graph, WAYS.merge),
    'merge over one element at a time': over(merge.rows, WAYS.elements, WAYS.merge),
    'one element over the merge': over(merge.rows, WAYS.merge, WAYS.element),
    'half of the coefficients zero over the merge': over(merge.rows, WAYS.merge, WAYS.half),
    'merge on WASM over TypeScript': over(merge.rows, WAYS.typescript, WAYS.wasm),
    'Gram matrices on WASM over TypeScript': over(gram, GRAM_WAYS.typescript, GRAM_WAYS.wasm),
  };
}

/** Of several measurements the median of each ratio (of an even number the lower one in the middle). */
export function medians(measured: readonly Guarded[]): Ratios {
  const all = measured.map(ratiosOf);
  const median = (name: string): number =>
    all.map((ratios) => ratios[name] ?? 0).toSorted((x, y) => x - y)[(all.length - 1) >> 1] ?? 0;
  return Object.fromEntries(Object.keys(all[0] ?? {}).map((name) => [name, median(name)]));
}

/** A ratio by its name. */
export type Ratios = Readonly<Record<string, number>>;

/** The lower one of each ratio of two machines. */
export function lowest(ratios: Ratios, others: Ratios | undefined): Ratios {
  const lower = ([name, ratio]: [string, number]): [string, number] => [
    name,
    Math.min(ratio, others?.[name] ?? ratio),
  ];
  return Object.fromEntries(Object.entries(ratios).map(lower));
}

export interface Compared {
  readonly name: string;
  readonly baseline: number;
  readonly now: number;
  readonly worse: boolean;
}

/** The best of several measurements against the baseline: noise makes ratios worse far more often than better. */
export function compare(baseline: Ratios, measured: readonly Guarded[]): Compared[] {
  const now = measured.map(ratiosOf);
  return Object.entries(baseline).map(([name, before]) => {
    const best = Math.max(...now.map((ratios) => ratios[name] ?? 0));
    const tolerated = name.includes('TypeScript') ? TOLERATED_OF_PROCESSORS : TOLERATED;
    return { name, baseline: before, now: best, worse: best * tolerated < before };
  });
}
