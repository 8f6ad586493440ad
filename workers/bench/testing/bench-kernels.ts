/**
 * `npm run bench`: the kernels beside ONNX Runtime's own, in Node on Dawn, on every adapter there is
 * (on Linux LIKEWISE_VK_ICD names a driver, a graphics card's for example). Results go to
 * docs/performance.json and the tables of docs/performance.md, in place of those of the same adapter.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { adapterNamesHere, openGpu } from '../../engine/compute/testing/device';
import { findAdapter, openDevice } from '../../engine/device';
import { loadOrt } from '../../engine/ort';
import { graphOf, parseManifest, type Precision } from '../../engine/pack/manifest';
import { openWasm, openWebGpu, type Runtime } from '../../engine/runtime';
import { furnish, readPack } from '../../engine/testing/node';
import { measureGrowth, measureMerge, type Bed } from '../merge';
import type { BenchResult, MergeResult, StepResult } from '../results';
import { measureSidePath } from '../side-path';
import { measureStep } from '../step';
import { report, withTables } from '../tables';
import type { Turns } from '../turns';

const ROUNDS = Number(process.env.LIKEWISE_BENCH_ROUNDS ?? 5);
const LEAST = 20;
/** Of the studio denoiser at 256²: pair and target tokens. */
const TOKENS = 512;
const PACK = join(process.cwd(), 'public/packs/studio');
const FIGURES = 'docs/performance.json';
const DOCUMENT = 'docs/performance.md';

const { targets, basis } = parseManifest(readFileSync(join(PACK, 'manifest.json'), 'utf8'));
/** One transformer block; its modulation sees one row, whatever the number of tokens. */
const layers = targets
  .filter(({ name }) => name.startsWith('blocks.0.') && !name.endsWith('modulation'))
  .map((target) => ({ in: target.in, out: target.out, tokens: TOKENS }));
const BASES = [
  { elements: 1, rank: 4 },
  { elements: 4, rank: 4 },
  { elements: 16, rank: 4 },
  { elements: 32, rank: 4 },
  { elements: 32, rank: 8 },
  { elements: 32, rank: 16 },
];
/** The released checkpoint's widest layer and its basis. */
const WIDEST = [{ in: 3072, out: 18_432 }];
const LARGE = { elements: 32, rank: 4 };

const folder = mkdtempSync(join(tmpdir(), 'likewise-bench-'));
beforeAll(() => furnish(folder));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where the studio's own merge takes this long, twelve times as many weights take too long to wait for. */
function fast({ rows }: MergeResult): boolean {
  return rows.every(({ name, ms }) => name !== 'merge' || ms.median < 400);
}

async function stepOn<Data>(runtime: Runtime<Data>, precision: Precision, turns: Turns): Promise<StepResult> {
  const { model, files } = await readPack(runtime, precision, PACK);
  const graph = files.get(graphOf(model.manifest.denoiser.graphs, precision));
  if (graph === undefined) throw new Error('the pack has no such graph');
  const measured = await measureStep(runtime, model, graph, turns);
  await model.dispose();
  return measured;
}

function keep(result: BenchResult): void {
  const earlier = JSON.parse(readFileSync(FIGURES, 'utf8')) as BenchResult[];
  const others = earlier.filter(({ adapter, type }) => adapter !== result.adapter || type !== result.type);
  const all = [...others, result].sort((x, y) =>
    `${x.adapter} ${x.type}`.localeCompare(`${y.adapter} ${y.type}`),
  );
  writeFileSync(FIGURES, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(DOCUMENT, withTables(readFileSync(DOCUMENT, 'utf8'), all));
}

it.each((await adapterNamesHere()).map((name) => ({ name })))(
  'kernels on $name',
  async ({ name }) => {
    vi.stubGlobal('navigator', { gpu: await openGpu(name), hardwareConcurrency: 1 });
    const adapter = await findAdapter();
    if (adapter === undefined) throw new Error(`no adapter ${name}`);
    const own = await openDevice(adapter);
    const runtime = await openWebGpu(await loadOrt('webgpu'), own);
    const wasm = await openWasm(await loadOrt('wasm'));
    const turns = { rounds: ROUNDS, least: LEAST, settle: () => runtime.settle() };
    const told = async <T>(what: string, work: Promise<T>): Promise<T> => {
      const start = performance.now();
      const result = await work;
      console.log(`${name}: ${what} measured in ${((performance.now() - start) / 1000).toFixed(0)} s`);
      return result;
    };
    for (const type of runtime.hasFp16 ? (['float16', 'float32'] as const) : (['float32'] as const)) {
      const bed: Bed = { device: own.device, runtime, wasm, type };
      const merge = await told('merge', measureMerge(bed, targets, { ...basis, processor: true }, turns));
      const large = fast(merge)
        ? await told('large merge', measureMerge(bed, WIDEST, { ...LARGE, processor: false }, turns))
        : undefined;
      const growth = await told('growth', measureGrowth(bed, targets, basis, turns));
      const sidePath = await told('side path', measureSidePath(bed, layers, BASES, turns));
      const precision = type === 'float16' ? 'fp16' : 'fp32';
      const steps = [await told('step', stepOn(runtime, precision, turns))];
      if (precision === 'fp32')
        steps.push(
          await told('step on WASM', stepOn(wasm, precision, { ...turns, settle: () => wasm.settle() })),
        );
      const measured: BenchResult = { adapter: runtime.adapter, type, merge, large, growth, sidePath, steps };
      console.log(report(measured));
      keep(measured);
      expect(measured.merge.difference).toBeLessThan(type === 'float16' ? 0.02 : 1e-4);
    }
    await wasm.dispose();
    await runtime.dispose();
  },
  3_600_000,
);
