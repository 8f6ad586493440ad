/** Results as the tables of docs/performance.md, which stand there between markers. */
import {
  COPIES,
  EDIT_WAYS,
  WAYS,
  type AnchorResult,
  type BenchResult,
  type Growth,
  type MergeResult,
  type Row,
  type SidePathPoint,
} from './results';
import type { Spread } from './turns';

/** Three figures, for times and ratios alike. */
export function figures(value: number): string {
  return value >= 100
    ? value.toFixed(0)
    : value >= 1
      ? value.toPrecision(3)
      : String(Number(value.toPrecision(2)));
}

const time = ({ median, low, high }: Spread): string =>
  `${figures(median)} (${figures(low)}–${figures(high)})`;
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(...head), row(...head.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n');
}

export const nameOf = ({ where, adapter, type }: BenchResult): string =>
  `${adapter}, ${type === 'float16' ? 'fp16' : 'fp32'}, ${where}`;

function medianOf(result: MergeResult, name: string): number {
  const found = result.rows.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found.ms.median;
}

function mergeTable(result: MergeResult): string {
  const own = medianOf(result, WAYS.merge);
  const head = ['', 'ms: median (quartiles)', 'of the merge’s time', 'GB/s of the bytes a merge moves'];
  const lines = result.rows.map(({ name, ms }) => [
    name,
    time(ms),
    `${figures(ms.median / own)} ×`,
    name === WAYS.copy || name === WAYS.merge ? figures(result.bytes / ms.median / 1e6) : '',
  ]);
  const about =
    `${result.targets} ${result.targets === 1 ? 'target' : 'targets'}, N = ${result.elements}, r = ${result.rank}: ` +
    `${(result.bytes / 1e6).toFixed(1)} MB, ${(result.multiplyAdds / 1e6).toFixed(0)} million multiply-adds; ` +
    `${figures((100 * medianOf(result, WAYS.copy)) / own)} % of the copy’s bandwidth; ` +
    `largest difference of a weight to ORT’s ${result.difference.toExponential(1)}.`;
  return `${about}\n\n${table(head, lines)}`;
}

function growthTable(growth: readonly Growth[]): string {
  const lines = growth.map(({ of, points }) => [
    of,
    points.map(({ value, ms }) => `${value}: ${figures(ms.median)}`).join(', '),
    figures(growthOf(points)),
  ]);
  return table(['growing', 'median ms at each value', 'exponent'], lines);
}

/** The exponent p of time ∝ value^p between the last two points: 1 is linear. */
function growthOf(points: Growth['points']): number {
  const [before, last] = points.slice(-2);
  return Math.log(last.ms.median / before.ms.median) / Math.log(last.value / before.value);
}

/** The fewest whole steps from which merging is faster; undefined where it never is. */
export function stepsToWin({ merge, merged, side }: SidePathPoint): number | undefined {
  const saved = side.median - merged.median;
  return saved <= 0 ? undefined : Math.max(1, Math.ceil(merge.median / saved));
}

function sidePathTable(points: readonly SidePathPoint[]): string {
  const lines = points.map((point) => {
    const { elements, rank, merge, merged, side } = point;
    const edit = (steps: number): string =>
      `${figures((steps * side.median) / (merge.median + steps * merged.median))} ×`;
    return [
      String(elements * rank),
      time(merge),
      time(merged),
      time(side),
      ...[1, 4, 28].map(edit),
      stepsToWin(point)?.toString() ?? 'never',
    ];
  });
  const head = ['N·r', 'merge, ms', 'step merged, ms', 'step with side path, ms'];
  return table([...head, '1 step', '4 steps', '28 steps', 'merging wins from'], lines);
}

function stepTable(steps: BenchResult['steps']): string {
  const lines = steps.flatMap(({ backend, precision, rows }) =>
    rows.map(({ name, ms }) => [
      `${backend}, ${precision}`,
      name,
      time(ms),
      `${figures(ms.median / rows[1].ms.median)} ×`,
    ]),
  );
  return table(['on', '', 'ms: median (quartiles)', 'of session.run, weights as inputs'], lines);
}

function gramTable({ gram }: AnchorResult): string {
  const lines = gram.map(({ name, ms }) => [name, time(ms), `${figures(ms.median / gram[0].ms.median)} ×`]);
  return table(['Gram matrices on', 'ms: median (quartiles)', 'of WebGPU’s time'], lines);
}

const COPY_NAMES: readonly string[] = Object.values(COPIES);

/** The copy that a row is compared with: a canvas's where there is one. */
function copyFor(name: string, rows: readonly Row[]): Row | undefined {
  const own = name.startsWith('wasm') ? COPIES.processor : COPIES.device;
  return rows.find((row) => row.name === COPIES.canvas) ?? rows.find((row) => row.name === own);
}

function renderTable({ points }: AnchorResult): string {
  const last = points[points.length - 1];
  const lines = last.rows.map(({ name, ms }, i) => {
    const copy = COPY_NAMES.includes(name) ? undefined : copyFor(name, last.rows);
    const curve = points.map(({ megapixels, rows }) => ({ value: megapixels, ms: rows[i].ms }));
    return [
      name,
      time(ms),
      copy === undefined ? '' : `${figures(ms.median / copy.ms.median)} ×`,
      curve.map(({ value, ms: at }) => `${value}: ${figures(at.median)}`).join(', '),
      figures(growthOf(curve)),
    ];
  });
  const head = [`${last.megapixels} megapixels`, 'ms: median (quartiles)', 'of a copy', 'ms by megapixels'];
  return table([...head, 'exponent'], lines);
}

function firstTable(edits: BenchResult['edits']): string {
  const lines = edits.flatMap(({ backend, precision, first }) =>
    first.map(({ name, ms }) => [
      `${backend}, ${precision}`,
      name,
      time(ms),
      `${figures(ms.median / first[0].ms.median)} ×`,
    ]),
  );
  return table(['on', '', 'ms: median (quartiles)', 'of bare ONNX Runtime'], lines);
}

function editTable(edits: BenchResult['edits']): string {
  const lines = edits.flatMap(({ backend, precision, points }) =>
    points.map(({ megapixels, rows, phases }) => [
      `${backend}, ${precision}`,
      String(megapixels),
      ...rows.map(({ ms }) => time(ms)),
      Object.entries(phases)
        .map(([phase, ms]) => `${phase} ${figures(ms)}`)
        .join(', '),
    ]),
  );
  const ways = [EDIT_WAYS.edit, EDIT_WAYS.weight, EDIT_WAYS.strength];
  return table(['on', 'megapixels of b', ...ways, 'phases of a new triplet, ms'], lines);
}

/** The median of the first and of the last third of the edits, in MB, and how many edits there were. */
function memoryTable(edits: BenchResult['edits']): string {
  const megabytes = (values: readonly number[]): string => {
    const sorted = values.toSorted((x, y) => x - y);
    return (sorted[Math.floor(sorted.length / 2)] / 1e6).toFixed(1);
  };
  const lines = edits.map(({ backend, precision, memory }) => {
    const third = Math.ceil(memory.length / 3);
    const parts = [memory.slice(0, third), memory.slice(-third)];
    return [
      `${backend}, ${precision}`,
      String(memory.length),
      ...parts.map((part) => megabytes(part.map(({ device }) => device))),
      ...parts.map((part) => megabytes(part.map(({ heap }) => heap))),
    ];
  });
  const head = ['on', 'edits', 'buffers, first third, MB', 'last third', 'JavaScript, first third, MB'];
  return table([...head, 'last third'], lines);
}

/** By marker: the tables that belong between `<!-- bench:NAME -->` and `<!-- /bench -->`. */
const SECTIONS: Readonly<Record<string, (result: BenchResult) => string | undefined>> = {
  merge: ({ merge }) => mergeTable(merge),
  large: ({ large }) => large && mergeTable(large),
  growth: ({ growth }) => growthTable(growth),
  'side-path': ({ sidePath }) => sidePathTable(sidePath),
  gram: ({ anchor }) => gramTable(anchor),
  render: ({ anchor }) => renderTable(anchor),
  step: ({ steps }) => stepTable(steps),
  host: ({ host }) => host && stepTable([host]),
  first: ({ edits }) => firstTable(edits),
  edit: ({ edits }) => editTable(edits),
  memory: ({ edits }) => memoryTable(edits),
};

/** The document with its tables made anew. */
export function withTables(document: string, results: readonly BenchResult[]): string {
  return document.replace(
    /(<!-- bench:([\w-]+) -->\n)[^]*?(<!-- \/bench -->)/g,
    (_, open: string, name: string, close: string) => {
      const section = SECTIONS[name] as (typeof SECTIONS)[string] | undefined;
      if (section === undefined)
        throw new Error(`docs/performance.md asks for ${name}, which is not measured`);
      const parts = results.flatMap((result) => {
        const text = section(result);
        return text === undefined ? [] : [`\n**${nameOf(result)}**\n\n${text}\n`];
      });
      return `${open}${parts.join('')}\n${close}`;
    },
  );
}

/** All of one adapter's tables, for the terminal. */
export function report(result: BenchResult): string {
  const parts = Object.values(SECTIONS).map((section) => section(result) ?? '');
  return [nameOf(result), ...parts].join('\n\n');
}
