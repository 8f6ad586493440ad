/** All of the benchmark on one device, part by part; the same in Node and in the page. */
import type { CpuData } from '../engine/compute/cpu';
import type { Choice, OwnDevice } from '../engine/device';
import { unwatched } from '../engine/job';
import { openModel } from '../engine/model';
import { loadOrt } from '../engine/ort';
import { fetchFiles, fetchManifest, type LoadContext } from '../engine/pack/load';
import { filesFor, graphOf, type Manifest, type Precision } from '../engine/pack/manifest';
import { openWasm, openWebGpu, type Runtime } from '../engine/runtime';
import { measureAnchor, measureGram } from './anchor';
import { measureCeilings } from './ceilings';
import { deviceClock } from './clock';
import { countBuffers, measureEdit } from './edit';
import type { Guarded } from './guard';
import { measureGrowth, measureMerge, type Bed } from './merge';
import {
  WAYS,
  type BenchResult,
  type EditResult,
  type Memory,
  type MergeResult,
  type Part,
  type SidePathPoint,
  type StepResult,
} from './results';
import { measureSidePath } from './side-path';
import { measureStep } from './step';
import type { DeviceClock, Turns } from './turns';

export interface Place extends Opened {
  /** For the reader: 'Node, Dawn' or the browser. */
  readonly where: string;
  /** The address ends in `/`. */
  readonly pack: { readonly base: string; readonly context: LoadContext };
}

interface Opened extends Omit<Bed, 'type'> {
  readonly wasm: Runtime<CpuData>;
  readonly memory: () => Memory;
  readonly clock: DeviceClock | undefined;
}

/**
 * Both runtimes on a device that was chosen for WebGPU; `heap` tells JavaScript's bytes where it can. `exact`:
 * the device's timestamps are (browsers round them to a tenth of a millisecond), so its own time is told as well.
 */
export async function openBed(
  choice: Choice,
  { heap = () => 0, exact = false }: { readonly heap?: () => number; readonly exact?: boolean } = {},
): Promise<Opened> {
  if (choice.backend !== 'webgpu') throw new Error('the benchmark needs a WebGPU device');
  const { own } = choice;
  const live = countBuffers(own.device);
  const memory = (): Memory => ({ device: live(), heap: heap() });
  const clock = exact ? deviceClock(own.device) : undefined;
  const runtime = await openWebGpu(await loadOrt('webgpu'), own);
  return { device: own.device, memory, clock, runtime, wasm: await openWasm(await loadOrt('wasm')) };
}

/** Milliseconds of a turn at least. */
export const LEAST = 20;
/** Of the studio denoiser at 256²: pair and target tokens. */
const TOKENS = 512;
const BASES = [
  { elements: 1, rank: 4 },
  { elements: 4, rank: 4 },
  { elements: 16, rank: 4 },
  { elements: 32, rank: 4 },
  { elements: 32, rank: 8 },
  { elements: 32, rank: 16 },
];
/** The released checkpoint's widest layer and its basis. */
export const WIDEST = [{ in: 3072, out: 18_432 }];
export const LARGE = { elements: 32, rank: 4 };

/** Its weights as f32, which come before those as fp16, are one buffer. */
export function holdsWidest({ limits }: GPUDevice): boolean {
  const bytes = 4 * WIDEST[0].in * WIDEST[0].out;
  return bytes <= Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
}

/** Where the studio's own merge takes longer, twelve times as many weights take too long to wait for. */
function fast({ rows }: MergeResult): boolean {
  return rows.every(({ name, ms }) => name !== WAYS.merge || ms.median < 400);
}

export async function measureStepOf<Data>(
  { base, context }: Place['pack'],
  manifest: Manifest,
  runtime: Runtime<Data>,
  precision: Precision,
  turns: Omit<Turns, 'settle'>,
  grows = true,
): Promise<StepResult> {
  const files = await fetchFiles(context, base, filesFor(manifest, precision));
  const graph = files.get(graphOf(manifest.denoiser.graphs, precision));
  if (graph === undefined) throw new Error('the denoiser was not fetched');
  const model = await openModel(runtime, manifest, files, precision, unwatched);
  const measured = await measureStep(runtime, model, graph, grows, {
    ...turns,
    settle: () => runtime.settle(),
  });
  await model.dispose();
  return measured;
}

interface Whole {
  readonly step: StepResult;
  readonly edit: EditResult;
}

/** With the shipped pack on one runtime: a step, and whole edits. */
async function measureWhole<Data>(
  { pack, memory, edits }: Pick<Place, 'pack' | 'memory'> & { readonly edits: number },
  manifest: Manifest,
  runtime: Runtime<Data>,
  precision: Precision,
  onPart: (part: 'step' | 'edit') => void,
  given: Omit<Turns, 'settle'>,
): Promise<Whole> {
  onPart('step');
  const step = await measureStepOf(pack, manifest, runtime, precision, given);
  onPart('edit');
  const turns = { ...given, settle: () => runtime.settle() };
  const edit = await measureEdit(runtime, pack, manifest, precision, memory, edits, turns);
  return { step, edit };
}

/** A step on a device that computes nothing, its graphs recorded as on a graphics card. */
export async function measureHost(
  own: OwnDevice,
  pack: Place['pack'],
  type: Bed['type'],
  rounds: number,
): Promise<StepResult> {
  const runtime = await openWebGpu(await loadOrt('webgpu'), own, true);
  const { denoiser, ...rest } = await fetchManifest(pack.context, pack.base);
  // Recorded unproven: what it computes is nothing.
  const manifest = { ...rest, denoiser: { ...denoiser, probes: [] } };
  const precision = type === 'float16' ? 'fp16' : 'fp32';
  // The null device gives half a gigabyte, which more tokens would not fit.
  const measured = await measureStepOf(pack, manifest, runtime, precision, { rounds, least: LEAST }, false);
  await runtime.dispose();
  return measured;
}

/** What the guard measures: as little as tells. */
export async function measureGuarded(bed: Opened, pack: Place['pack']): Promise<Guarded> {
  const { runtime } = bed;
  const manifest = await fetchManifest(pack.context, pack.base);
  const turns: Turns = { rounds: 3, least: LEAST, settle: () => runtime.settle() };
  const shapes = { ...manifest.basis, processor: true };
  const merge = await measureMerge({ ...bed, type: 'float32' }, manifest.targets, shapes, turns);
  return { merge, gram: await measureGram(bed, turns) };
}

/** Of one transformer block; its modulation sees one row, whatever the number of tokens. */
export function measureSidePathOf(bed: Bed, { targets }: Manifest, turns: Turns): Promise<SidePathPoint[]> {
  const layers = targets
    .filter(({ name }) => name.startsWith('blocks.0.') && !name.endsWith('modulation'))
    .map((target) => ({ in: target.in, out: target.out, tokens: TOKENS }));
  return measureSidePath(bed, layers, BASES, turns);
}

/** `onPart` is told what is about to be measured; memory is watched over `edits` edits. */
export async function measureAll(
  place: Place,
  type: Bed['type'],
  { rounds, edits }: { readonly rounds: number; readonly edits: number },
  onPart: (part: Part) => void,
): Promise<BenchResult> {
  const { runtime, wasm, pack } = place;
  const manifest = await fetchManifest(pack.context, pack.base);
  const { targets, basis } = manifest;
  const bed: Bed = { ...place, type };
  const turns: Turns = { rounds, least: LEAST, clock: place.clock, settle: () => runtime.settle() };
  onPart('ceilings');
  const ceilings = await measureCeilings(place.device, turns);
  onPart('merge');
  const merge = await measureMerge(bed, targets, { ...basis, processor: true }, turns);
  let large: MergeResult | undefined;
  if (holdsWidest(place.device) && fast(merge)) {
    onPart('large merge');
    large = await measureMerge(bed, WIDEST, { ...LARGE, processor: false }, turns);
  }
  onPart('growth');
  const growth = await measureGrowth(bed, targets, basis, turns);
  onPart('side path');
  const sidePath = await measureSidePathOf(bed, manifest, turns);
  onPart('anchor');
  const anchor = await measureAnchor(place, turns);
  const precision = type === 'float16' ? 'fp16' : 'fp32';
  const wholes = [await measureWhole({ ...place, edits }, manifest, runtime, precision, onPart, turns)];
  if (precision === 'fp32') {
    const onWasm = (part: 'step' | 'edit'): void => onPart(`${part} on WASM`);
    wholes.push(await measureWhole({ ...place, edits }, manifest, wasm, precision, onWasm, turns));
  }
  return {
    where: place.where,
    adapter: runtime.adapter,
    type,
    ceilings,
    merge,
    large,
    growth,
    sidePath,
    anchor,
    steps: wholes.map(({ step }) => step),
    edits: wholes.map(({ edit }) => edit),
  };
}
