/** Results as the tables of docs/performance.md, which stand there between markers. */
import {
  COPIES,
  EDIT_WAYS,
  PART_COPIES,
  WAYS,
  type AnchorResult,
  type BenchResult,
  type Growth,
  type MergeResult,
  type Row,
  type SidePathPoint,
} from './results';
import { roofOf, type Demand } from './roofline';
import type { Spread, Timing } from './turns';

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

/** The device's own time where it tells. */
const own = ({ device, ...here }: Timing): Spread => device ?? here;

/** A column more where any of the rows was timed by the device as well. */
function withDevice(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  timings: readonly Timing[],
): string {
  if (timings.every(({ device }) => device === undefined)) return table(head, lines);
  const cells = timings.map(({ device }) => (device === undefined ? '' : time(device)));
  return table(
    [...head, 'ms on the device'],
    lines.map((line, i) => [...line, cells[i]]),
  );
}

export const nameOf = ({ where, adapter, type }: BenchResult): string =>
  `${adapter}, ${type === 'float16' ? 'fp16' : 'fp32'}, ${where}`;

function timingOf(result: MergeResult, name: string): Timing {
  const found = result.rows.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found.ms;
}

/** How many times longer one takes: by the device's own time where both have one. */
function over(one: Timing, other: Timing): number {
  return one.device === undefined || other.device === undefined
    ? one.median / other.median
    : one.device.median / other.device.median;
}

function mergeTable(result: MergeResult): string {
  const ours = timingOf(result, WAYS.merge);
  const head = ['', 'ms: median (quartiles)', 'of the merge’s time', 'GB/s of the bytes a merge moves'];
  const lines = result.rows.map(({ name, ms }) => [
    name,
    time(ms),
    `${figures(over(ms, ours))} ×`,
    name === WAYS.copy || name === WAYS.merge ? figures(result.bytes / own(ms).median / 1e6) : '',
  ]);
  const about =
    `${result.targets} ${result.targets === 1 ? 'target' : 'targets'}, N = ${result.elements}, r = ${result.rank}: ` +
    `${(result.bytes / 1e6).toFixed(1)} MB, ${(result.multiplyAdds / 1e6).toFixed(0)} million multiply-adds; ` +
    `${figures(100 * over(timingOf(result, WAYS.copy), ours))} % of the copy’s bandwidth; ` +
    `largest difference of a weight to ${result.rows.some(({ name }) => name === WAYS.graph) ? 'ORT’s' : 'TypeScript’s'} ${result.difference.toExponential(1)}.`;
  return `${about}\n\n${withDevice(
    head,
    lines,
    result.rows.map(({ ms }) => ms),
  )}`;
}

/** What the device can do at most, and how near to it every way comes that is bound by bytes or arithmetic alone. */
function ceilingTable({ ceilings = [] }: BenchResult): string | undefined {
  if (ceilings.length === 0) return undefined;
  const lines = ceilings.map(({ ms, name, amount, of }) => {
    const rate = amount / own(ms).median / 1e6;
    return [name, time(own(ms)), of === 'bytes' ? `${figures(rate)} GB/s` : `${figures(rate / 1e3)} TFLOP/s`];
  });
  return table(['', 'ms: median (quartiles)', 'at most'], lines);
}

function rooflineTable({ ceilings, merge, large, type }: BenchResult): string | undefined {
  if (ceilings === undefined || ceilings.length === 0) return undefined;
  const roof = roofOf(ceilings.map((each) => ({ ...each, ms: own(each.ms).median })));
  const results = [
    { of: 'studio pack', result: merge },
    ...(large === undefined ? [] : [{ of: 'widest layer', result: large }]),
  ];
  const lines = results.flatMap(({ of, result }) =>
    result.rows.flatMap(({ name, ms }) => {
      const demand = demandOf(result, name, type);
      if (demand === undefined) return [];
      const { median } = own(ms);
      const bound = roof(demand);
      return [
        [
          `${of}: ${name}`,
          (demand.bytes / 1e6).toFixed(1),
          figures(demand.operations / 1e9),
          figures(median),
          figures(demand.bytes / median / 1e6),
          figures(demand.operations / median / 1e9),
          `${figures(bound.ms)} (${bound.by})`,
          `${figures((100 * bound.ms) / median)} %`,
        ],
      ];
    }),
  );
  const head = ['', 'MB', 'GFLOP', 'ms', 'GB/s', 'TFLOP/s', 'ms at the ceiling', 'reached'];
  return table(head, lines);
}

/** What a way has to move and compute at least; undefined where that is not the device's own work. */
function demandOf(result: MergeResult, name: string, type: BenchResult['type']): Demand | undefined {
  const { bytes, multiplyAdds, elements, rank } = result;
  const weights = multiplyAdds / elements / rank;
  // Base read, merged written.
  const plain = 2 * weights * (type === 'float16' ? 2 : 4);
  const share = (part: number): Demand => ({
    bytes: plain + part * (bytes - plain),
    operations: 2 * part * multiplyAdds,
  });
  switch (name) {
    case WAYS.copy:
      return { bytes, operations: 0 };
    case WAYS.merge:
      return share(1);
    case WAYS.half:
      return share(0.5);
    case WAYS.none:
      return share(0);
    case WAYS.element:
      return share(1 / elements);
    default:
      return undefined;
  }
}

function partTable({ parts = [] }: AnchorResult): string | undefined {
  if (parts.length === 0) return undefined;
  const copies: readonly string[] = Object.values(PART_COPIES);
  let copy = Number.NaN;
  const lines = parts.map(({ name, ms }) => {
    const isCopy = copies.includes(name);
    if (isCopy) copy = own(ms).median;
    return [name, time(own(ms)), isCopy ? '' : `${figures(own(ms).median / copy)} ×`];
  });
  return table(['', 'ms: median (quartiles)', 'of the copy above'], lines);
}

function growthTable({ growth, steps }: BenchResult): string | undefined {
  const all = [
    ...growth.map((each) => ({ ...each, name: each.of as string })),
    ...steps.flatMap(({ backend, growth: ofStep = [] }) =>
      ofStep.map((each) => ({ ...each, name: `${each.of}, ${backend}` })),
    ),
  ];
  if (all.length === 0) return undefined;
  const lines = all.map(({ name, points }) => [
    name,
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
  return withDevice(
    ['Gram matrices on', 'ms: median (quartiles)', 'of WebGPU’s time'],
    lines,
    gram.map(({ ms }) => ms),
  );
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
  return withDevice(
    [...head, 'exponent'],
    lines,
    last.rows.map(({ ms }) => ms),
  );
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
  const ways = [EDIT_WAYS.edit, EDIT_WAYS.weight, EDIT_WAYS.strength, EDIT_WAYS.photo];
  const lines = edits.flatMap(({ backend, precision, points }) =>
    points.map(({ megapixels, rows, phases }) => [
      `${backend}, ${precision}`,
      String(megapixels),
      ...ways
        .map((way) => rows.find(({ name }) => name === way))
        .map((found) => (found ? time(found.ms) : '')),
      Object.entries(phases)
        .map(([phase, ms]) => `${phase} ${figures(ms)}`)
        .join(', '),
    ]),
  );
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

/** MB of buffers and of JavaScript at the end of each phase of an edit of the largest b. */
function phaseMemoryTable(edits: BenchResult['edits']): string | undefined {
  const told = edits.flatMap(({ backend, precision, memoryByPhase }) =>
    memoryByPhase === undefined
      ? []
      : [{ on: `${backend}, ${precision}`, phases: Object.entries(memoryByPhase) }],
  );
  if (told.length === 0) return undefined;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  const lines = told.map(({ on, phases }) => [
    on,
    ...phases.map(([, { device, heap }]) => `${megabytes(device)}, ${megabytes(heap)}`),
  ]);
  return table(['on', ...told[0].phases.map(([phase]) => phase)], lines);
}

/** A table of what was measured; a run that left a part out has none of it. */
const some =
  <T>(made: (of: readonly T[]) => string) =>
  (of: readonly T[]): string | undefined =>
    of.length === 0 ? undefined : made(of);

/** By marker: the tables that belong between `<!-- bench:NAME -->` and `<!-- /bench -->`. */
const SECTIONS: Readonly<Record<string, (result: BenchResult) => string | undefined>> = {
  ceilings: ceilingTable,
  roofline: rooflineTable,
  merge: ({ merge }) => mergeTable(merge),
  large: ({ large }) => large && mergeTable(large),
  growth: growthTable,
  'side-path': ({ sidePath }) => some(sidePathTable)(sidePath),
  gram: ({ anchor }) => (anchor.gram.length === 0 ? undefined : gramTable(anchor)),
  parts: ({ anchor }) => partTable(anchor),
  render: ({ anchor }) => (anchor.points.length === 0 ? undefined : renderTable(anchor)),
  step: ({ steps }) => some(stepTable)(steps),
  host: ({ host }) => host && stepTable([host]),
  first: ({ edits }) => some(firstTable)(edits),
  edit: ({ edits }) => some(editTable)(edits),
  memory: ({ edits }) => some(memoryTable)(edits),
  'memory-by-phase': ({ edits }) => phaseMemoryTable(edits),
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
  const parts = Object.values(SECTIONS).flatMap((section) => section(result) ?? []);
  return [nameOf(result), ...parts].join('\n\n');
}
