/**
 * `npm run bench:gpu`: what a graphics card takes for the kernels, in a minute, and what it could do at most. One
 * adapter, each part for itself, so that one that fails takes no other along. Bundled (gpu.config.ts) it runs
 * without this repository too:
 *
 *     node gpu.mjs PACK OUT.json     measures with the pack in that folder; `ort/` beside gpu.mjs is optional
 *     node gpu.mjs --keep OUT.json   into docs/performance.json and the tables of docs/performance.md
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { adapterNamesHere, openGpu } from '../../engine/compute/testing/dawn';
import { openDevice, type OwnDevice } from '../../engine/device';
import { unwatched } from '../../engine/job';
import { loadOrt, type OrtModule } from '../../engine/ort';
import { fetchManifest, type LoadContext } from '../../engine/pack/load';
import { openWebGpu, type Runtime } from '../../engine/runtime';
import { measureAnchor } from '../anchor';
import { measureCeilings } from '../ceilings';
import { deviceClock } from '../clock';
import { measureEdit, countBuffers } from '../edit';
import { measureGrowth, measureMerge, type Bed } from '../merge';
import type { BenchResult, Ceiling, AnchorResult } from '../results';
import { holdsWidest, LARGE, LEAST, measureSidePathOf, measureStepOf, WIDEST } from '../run';
import { report } from '../tables';
import type { Turns } from '../turns';
import { keep } from './figures';

const ROUNDS = Number(process.env.LIKEWISE_BENCH_ROUNDS ?? 15);
/** Seconds for the rounds of each part at most. */
const SECONDS = Number(process.env.LIKEWISE_BENCH_SECONDS ?? 4);
/** Seconds after which no other part begins. */
const LIMIT = Number(process.env.LIKEWISE_BENCH_LIMIT ?? Infinity);
/** Only parts with this in their name. */
const ONLY = process.env.LIKEWISE_BENCH_ONLY ?? '';
/** Edits in a row over which memory is watched. */
const EDITS = 6;

type Type = Bed['type'];

const started = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1)} s  ${line}`);

const fromDisk: LoadContext = {
  fetchFile: async (url) => new Response(readFileSync(new URL(url))),
  signal: unwatched.signal,
  onProgress: () => undefined,
};

/** Of the limits, what decides how large a merge and a picture may be. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

function describe({ info, features, limits }: GPUAdapter): string {
  const told = { vendor: info.vendor, architecture: info.architecture, device: info.device };
  const most = Object.fromEntries(LIMITS.map((name) => [name, limits[name]]));
  return [
    `adapter: ${JSON.stringify({ ...told, description: info.description, subgroups: [info.subgroupMinSize, info.subgroupMaxSize] })}`,
    `features: ${[...features].sort().join(' ')}`,
    `limits: ${JSON.stringify(most)}`,
  ].join('\n');
}

/** ONNX Runtime where its files are, tried out: without them there is nothing to compare with, but all else is. */
async function findOrt(beside: string): Promise<OrtModule | undefined> {
  const folder = [join(beside, 'ort'), resolve('node_modules/onnxruntime-web/dist')].find(existsSync);
  if (folder === undefined) return undefined;
  const ort = await loadOrt('webgpu');
  ort.env.wasm.wasmPaths = `${pathToFileURL(folder).href}/`;
  return ort;
}

async function main(pack: string, out: string): Promise<void> {
  const beside = fileURLToPath(new URL('.', import.meta.url));
  // A card comes before software.
  const [name] = await adapterNamesHere();
  const gpu = await openGpu(name);
  Object.assign(globalThis, {
    self: { location: { href: import.meta.url }, crossOriginIsolated: false },
  });
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, hardwareConcurrency: 1 },
    configurable: true,
  });
  const find = async (): Promise<GPUAdapter> => {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) throw new Error('there is no adapter any more');
    return adapter;
  };
  console.log(describe(await find()));

  const ort = await findOrt(beside).catch((thrown: unknown) => say(`no ONNX Runtime: ${String(thrown)}`));
  const place = { base: `${pathToFileURL(resolve(pack)).href}/`, context: fromDisk };
  const manifest = await fetchManifest(place.context, place.base);
  const failures: string[] = [];

  let open: { own: OwnDevice; runtime: Runtime<GPUBuffer>; turns: Turns; live: () => number } | undefined;
  async function opened(): Promise<NonNullable<typeof open>> {
    if (open !== undefined) return open;
    const own = await openDevice(await find());
    const live = countBuffers(own.device);
    const clock = deviceClock(own.device);
    // Nothing asks the absent one for anything.
    const runtime = await openWebGpu(ort ?? ({} as OrtModule), own);
    const settle = (): Promise<void> => runtime.settle();
    open = {
      own,
      runtime,
      live,
      turns: { rounds: ROUNDS, least: LEAST, most: 1000 * SECONDS, clock, settle },
    };
    return open;
  }

  /** What fails leaves the device in doubt, so the next part gets another. */
  async function part<T>(
    of: string,
    measure: (on: Awaited<ReturnType<typeof opened>>) => Promise<T>,
  ): Promise<T | undefined> {
    if (!of.includes(ONLY)) return undefined;
    if (performance.now() - started > 1000 * LIMIT) {
      failures.push(`${of}: no time left`);
      return undefined;
    }
    say(of);
    try {
      return await measure(await opened());
    } catch (thrown) {
      failures.push(`${of}: ${(thrown as Error).message}`);
      console.error(`FAILED: ${of}:`, thrown);
      await open?.runtime.dispose().catch(() => undefined);
      open = undefined;
      return undefined;
    }
  }

  const { own, runtime } = await opened();
  const { adapter } = runtime;
  const fits = holdsWidest(own.device);
  const types: Type[] = runtime.hasFp16 ? ['float16', 'float32'] : ['float32'];
  const results = new Map<Type, Partial<BenchResult>>(
    types.map((type) => [
      type,
      {
        where: 'Node, Dawn',
        adapter,
        type,
        growth: [],
        sidePath: [],
        steps: [],
        edits: [],
        anchor: { gram: [], points: [] },
      },
    ]),
  );
  /** After every part: whatever comes later, what was found is there. */
  function add(type: Type, found: Partial<BenchResult>): void {
    results.set(type, { ...results.get(type), ...found });
    writeFileSync(out, `${JSON.stringify([...results.values()], null, 1)}\n`);
  }
  const every = (found: {
    ceilings?: readonly Ceiling[] | undefined;
    anchor?: AnchorResult | undefined;
  }): void => {
    for (const type of types) {
      if (found.ceilings) add(type, { ceilings: found.ceilings });
      if (found.anchor) add(type, { anchor: found.anchor });
    }
  };
  const bed = ({ own, runtime: on }: { own: OwnDevice; runtime: Runtime<GPUBuffer> }, type: Type): Bed => ({
    device: own.device,
    runtime: on,
    wasm: undefined,
    type,
  });

  every({ ceilings: await part('ceilings', ({ own, turns }) => measureCeilings(own.device, turns)) });
  if (!fits) say('the widest layer does not fit this device');
  const shapes = [
    { of: 'merge', targets: manifest.targets, basis: manifest.basis },
    { of: 'large', targets: WIDEST, basis: LARGE },
  ] as const;
  async function merges(graph: boolean): Promise<void> {
    for (const { of, targets, basis } of fits ? shapes : shapes.slice(0, 1)) {
      for (const type of types) {
        const { elements, rank } = basis;
        const found = await part(`${of}, ${type}${graph ? ', with the graph of ONNX Runtime' : ''}`, (on) =>
          measureMerge(bed(on, type), targets, { elements, rank, processor: false, graph }, on.turns),
        );
        if (found !== undefined) add(type, { [of]: found });
      }
    }
  }
  await merges(false);
  every({ anchor: await part('anchor', (on) => measureAnchor(bed(on, 'float32'), on.turns)) });
  // ONNX Runtime takes longest to compile its kernels, so that all else is there before.
  if (ort !== undefined) await merges(true);
  for (const type of types) {
    const growth = await part(`growth, ${type}`, (on) =>
      measureGrowth(bed(on, type), manifest.targets, manifest.basis, on.turns),
    );
    if (growth !== undefined) add(type, { growth });
  }
  for (const type of ort === undefined ? [] : types) {
    const precision = type === 'float16' ? 'fp16' : 'fp32';
    const step = await part(`step, ${type}`, (on) =>
      measureStepOf(place, manifest, on.runtime, precision, on.turns),
    );
    if (step !== undefined) add(type, { steps: [step] });
    const sidePath = await part(`side path, ${type}`, (on) =>
      measureSidePathOf(bed(on, type), manifest, on.turns),
    );
    if (sidePath !== undefined) add(type, { sidePath });
    const edit = await part(`edit, ${type}`, (on) => {
      const memory = () => ({ device: on.live(), heap: process.memoryUsage().heapUsed });
      return measureEdit(on.runtime, place, manifest, precision, memory, EDITS, on.turns);
    });
    if (edit !== undefined) add(type, { edits: [edit] });
  }
  for (const result of results.values())
    console.log(`\n${result.merge === undefined ? 'no merge' : report(result as BenchResult)}`);
  say(failures.length === 0 ? `all parts measured: ${out}` : `failed:\n${failures.join('\n')}`);
  await open?.runtime.dispose();
}

const [first, second] = process.argv.slice(2);
if (first === '--keep') {
  for (const result of JSON.parse(readFileSync(second, 'utf8')) as BenchResult[]) keep(result);
} else {
  const { OUT } = process.env;
  await main(
    first ?? 'public/packs/studio',
    second ?? (OUT === undefined ? 'gpu.json' : join(OUT, 'gpu.json')),
  );
  // Dawn's threads would keep the process.
  process.exit();
}
