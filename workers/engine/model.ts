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

  async upload({ file }: Weights, name: string): Promise<Tensor<Data>> {
    const raw = file.read(name);
    const shape = file.entries.get(name)?.shape ?? [];
    const { compute } = this.runtime;
    const tensor = this.arena.keep(compute.upload(inPrecision(raw, this.precision), shape, name));
    await this.#count(raw);
    return tensor;
  }

  /** What the merge takes together. */
  async uploadTogether({ file }: Weights, names: readonly string[], label: string): Promise<Tensor<Data>[]> {
    const { compute } = this.runtime;
    const shapes = names.map((name) => file.entries.get(name)?.shape ?? []);
    const type = this.precision === 'fp16' ? 'float16' : 'float32';
    const tensors = compute.allocateTogether(type, shapes, label);
    for (const [i, tensor] of tensors.entries()) {
      const raw = file.read(names[i]);
      compute.write(this.arena.keep(tensor), inPrecision(raw, this.precision));
      await this.#count(raw);
    }
    return tensors;
  }

  async #count(raw: ArrayBufferView): Promise<void> {
    this.#done += raw.byteLength;
    this.#sinceBreath += raw.byteLength;
    reportLoad(this.hooks, 'reading', this.#done, this.total);
    if (this.#sinceBreath > BREATH) {
      this.#sinceBreath = 0;
      await yieldToMessages();
      throwIfAborted(this.hooks.signal);
      this.runtime.check();
    }
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
    const merging = manifest.targets.map(({ input }) => input);
    const denoiserWeights = new Map<string, Tensor<Data>>();
    for (const name of denoiserFile.file.entries.keys())
      if (!merging.includes(name)) denoiserWeights.set(name, await uploader.upload(denoiserFile, name));
    const keys = await uploader.upload(basisFile, 'keys');
    const query = await uploader.upload(basisFile, 'query');
    const factors = (part: 'A' | 'B'): Promise<Tensor<Data>[]> =>
      uploader.uploadTogether(
        basisFile,
        manifest.targets.map(({ name }) => `${name}.${part}`),
        part,
      );
    const bases = await uploader.uploadTogether(denoiserFile, merging, 'bases');
    const [as, bs] = [await factors('A'), await factors('B')];
    const targets = manifest.targets.map((target, l): MergeTarget<Data> => {
      const merged = arena.keep(
        runtime.compute.allocate(bases[l].type, [target.in, target.out], `${target.name} merged`),
      );
      denoiserWeights.set(target.input, merged);
      return { base: bases[l], a: as[l], b: bs[l], merged };
    });
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
