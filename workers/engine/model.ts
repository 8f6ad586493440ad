/** A pack's graphs and weights on a backend. */
import { Arena } from './arena';
import type { MergeTarget, Tensor } from './compute/compute';
import { inPrecision } from './compute/half';
import { EngineFailure, throwIfAborted } from './errors';
import type { Graph, GraphUse } from './graph';
import { reportLoad, yieldToMessages, type Hooks } from './job';
import { graphOf, type Manifest, type Precision } from './pack/manifest';
import type { PackFiles } from './pack/load';
import { expectShape, openSafetensors, type Safetensors } from './pack/safetensors';
import { provesRight } from './probe';
import type { Runtime } from './runtime';

export interface Model<Data> {
  readonly manifest: Manifest;
  readonly precision: Precision;
  readonly encoder: Graph<Data>;
  readonly denoiser: Graph<Data>;
  /** By graph input, without images, x, target, pairs and t. The denoiser's hold the merged weights. */
  readonly encoderWeights: ReadonlyMap<string, Tensor<Data>>;
  readonly denoiserWeights: ReadonlyMap<string, Tensor<Data>>;
  /** In the manifest's order. */
  readonly targets: readonly MergeTarget<Data>[];
  readonly keys: Tensor<Data>;
  readonly query: Tensor<Data>;
  dispose(): Promise<void>;
}

/** The sizes of the axes that graphs leave free (docs/pack-format.md). */
const TRIPLET = { images_count: 3 };
export const ONE_PAIR = { pairs_count: 1 };

/** How many bytes are uploaded between two chances to cancel. */
const BREATH = 8 * 1024 * 1024;

interface Weights {
  readonly label: string;
  readonly file: Safetensors;
}

function open(files: PackFiles, label: string): Weights {
  const buffer = files.get(label);
  if (buffer === undefined) throw new Error(`${label} was not fetched`);
  return { label, file: openSafetensors(buffer, label) };
}

/** The manifest's sizes against the tensors there are, before anything is uploaded. */
function checkShapes(manifest: Manifest, denoiser: Weights, basis: Weights): void {
  const { targets, encoder } = manifest;
  const { elements, rank, keyDim } = manifest.basis;
  const expectBasis = (name: string, shape: readonly number[]): void =>
    expectShape(basis.file, basis.label, name, shape);
  expectBasis('keys', [targets.length, elements, keyDim]);
  expectBasis('query', [targets.length, keyDim, 3 * encoder.features]);
  for (const target of targets) {
    expectShape(denoiser.file, denoiser.label, target.input, [target.in, target.out]);
    expectBasis(`${target.name}.A`, [elements, target.in, rank]);
    expectBasis(`${target.name}.B`, [elements, rank, target.out]);
  }
}

function checkGraph(label: string, names: readonly string[], expected: Iterable<string>): void {
  const known = new Set(expected);
  const stranger = names.find((name) => !known.has(name));
  if (stranger === undefined) return;
  throw new EngineFailure(
    'pack/bad-manifest',
    `The pack's graph "${label}" has "${stranger}", which its description does not name.`,
    'Ask whoever made the pack for a corrected copy, or load another pack.',
  );
}

/** Uploads tensors one by one, telling how many bytes of all are done. */
class Uploader<Data> {
  #done = 0;
  #sinceBreath = 0;

  constructor(
    private readonly runtime: Runtime<Data>,
    private readonly arena: Arena<Data>,
    private readonly precision: Precision,
    private readonly hooks: Hooks,
    private readonly total: number,
  ) {}

  async upload(weights: Weights, name: string): Promise<Tensor<Data>> {
    const raw = weights.file.read(name);
    const shape = weights.file.entries.get(name)?.shape ?? [];
    const tensor = this.arena.keep(
      this.runtime.compute.upload(inPrecision(raw, this.precision), shape, name),
    );
    this.#done += raw.byteLength;
    this.#sinceBreath += raw.byteLength;
    reportLoad(this.hooks, 'reading', this.#done, this.total);
    if (this.#sinceBreath > BREATH) {
      this.#sinceBreath = 0;
      await yieldToMessages();
      throwIfAborted(this.hooks.signal);
      this.runtime.check();
    }
    return tensor;
  }
}

function bytesOf(weights: Weights): number {
  let sum = 0;
  for (const entry of weights.file.entries.values()) sum += entry.end - entry.start;
  return sum;
}

/**
 * Uploads the weights and creates both sessions, one after the other.
 * @throws EngineFailure `pack/bad-tensor`, `pack/bad-manifest`, `engine/out-of-memory`
 */
export async function openModel<Data>(
  runtime: Runtime<Data>,
  manifest: Manifest,
  files: PackFiles,
  precision: Precision,
  hooks: Hooks,
): Promise<Model<Data>> {
  const encoderFile = open(files, manifest.encoder.weights);
  const denoiserFile = open(files, manifest.denoiser.weights);
  const basisFile = open(files, manifest.basis.weights);
  checkShapes(manifest, denoiserFile, basisFile);

  const arena = new Arena(runtime.compute);
  const graphs: Graph<Data>[] = [];
  const dispose = async (): Promise<void> => {
    for (const graph of graphs) await graph.dispose();
    arena.dispose();
  };
  try {
    const total = bytesOf(encoderFile) + bytesOf(denoiserFile) + bytesOf(basisFile);
    reportLoad(hooks, 'reading', 0, total);
    const uploader = new Uploader(runtime, arena, precision, hooks, total);

    const encoderWeights = new Map<string, Tensor<Data>>();
    for (const name of encoderFile.file.entries.keys()) {
      encoderWeights.set(name, await uploader.upload(encoderFile, name));
    }
    const base = new Map<string, Tensor<Data>>();
    for (const name of denoiserFile.file.entries.keys())
      base.set(name, await uploader.upload(denoiserFile, name));
    const keys = await uploader.upload(basisFile, 'keys');
    const query = await uploader.upload(basisFile, 'query');

    const denoiserWeights = new Map(base);
    const targets: MergeTarget<Data>[] = [];
    for (const target of manifest.targets) {
      const weight = base.get(target.input);
      if (weight === undefined) throw new Error(`${target.input} was not uploaded`); // checkShapes has seen it
      const merged = arena.keep(
        runtime.compute.allocate(weight.type, [target.in, target.out], `${target.name} merged`),
      );
      denoiserWeights.set(target.input, merged);
      targets.push({
        base: weight,
        a: await uploader.upload(basisFile, `${target.name}.A`),
        b: await uploader.upload(basisFile, `${target.name}.B`),
        merged,
      });
    }
    await runtime.settle();

    const openGraph = async (
      label: string,
      use: GraphUse,
      inputs: Iterable<string>,
      outputs: Iterable<string>,
    ): Promise<Graph<Data>> => {
      const model = files.get(label);
      if (model === undefined) throw new Error(`${label} was not fetched`);
      throwIfAborted(hooks.signal);
      const graph = await runtime.openGraph(model, use);
      graphs.push(graph);
      reportLoad(hooks, 'compiling', graphs.length, 2);
      checkGraph(label, graph.inputNames, inputs);
      checkGraph(label, graph.outputNames, outputs);
      return graph;
    };
    reportLoad(hooks, 'compiling', 0, 2);
    const encoder = await openGraph(
      graphOf(manifest.encoder.graphs, precision),
      { axes: TRIPLET },
      [manifest.encoder.inputs.images, ...encoderWeights.keys()],
      Object.values(manifest.encoder.outputs),
    );
    const activations = Object.values(manifest.denoiser.inputs);
    const openDenoiser = (use: GraphUse): Promise<Graph<Data>> =>
      openGraph(
        graphOf(manifest.denoiser.graphs, precision),
        use,
        [...activations, ...denoiserWeights.keys()],
        Object.values(manifest.denoiser.outputs),
      );
    const { probes } = manifest.denoiser;
    let denoiser = await openDenoiser(
      probes === undefined ? { axes: ONE_PAIR } : { axes: ONE_PAIR, changing: activations },
    );
    if (denoiser.recorded === true) {
      const right = await provesRight(runtime, { manifest, precision, denoiser, denoiserWeights, targets });
      if (!right) {
        graphs.pop();
        await denoiser.dispose();
        denoiser = await openDenoiser({ axes: ONE_PAIR });
      }
    }
    return {
      manifest,
      precision,
      encoder,
      denoiser,
      encoderWeights,
      denoiserWeights,
      targets,
      keys,
      query,
      dispose,
    };
  } catch (thrown) {
    await dispose().catch(() => undefined); // the first failure is the one to tell
    throw thrown;
  }
}
