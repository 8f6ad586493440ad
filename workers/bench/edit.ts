/**
 * Whole edits with the shipped pack: from decoded pictures to b′ at full size, the first one and later ones, after
 * one weight, the strength or b has changed; what bare ONNX Runtime needs for as much; and memory over many edits.
 */
import { inPrecision } from '../engine/compute/half';
import { PackEngine } from '../engine/engine';
import { unwatched } from '../engine/job';
import { feedsFor, stepFeeds } from '../engine/graph';
import { openModel } from '../engine/model';
import type { LoadContext } from '../engine/pack/load';
import { fetchFiles } from '../engine/pack/load';
import { filesFor, graphOf, type Manifest, type Precision } from '../engine/pack/manifest';
import type { RgbaImage, RunPhase, RunResult, Triplet } from '../engine/protocol';
import type { Runtime } from '../engine/runtime';
import { waves } from './anchor';
import { numbers, runs } from './merge';
import { EDIT_WAYS, rowsOf, type EditResult, type Memory } from './results';
import { inTurns, type Turns } from './turns';

const MEGAPIXELS = [1, 12] as const;
/** Edits over which memory is watched where one takes more milliseconds than that. */
const FEW = 12;
const SLOW = 3000;

/** Counts the bytes of a device's buffers that are made from now on and alive, ONNX Runtime's among them. */
export function countBuffers(device: GPUDevice): () => number {
  let live = 0;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    live += descriptor.size;
    const destroy = buffer.destroy.bind(buffer);
    let alive = true;
    buffer.destroy = () => {
      if (alive) live -= descriptor.size;
      alive = false;
      return destroy();
    };
    return buffer;
  };
  return () => live;
}

/** A curve of every value: an edit that the anchor finds. */
function curved({ width, height, data }: RgbaImage): RgbaImage {
  return { width, height, data: data.map((value, i) => (i % 4 === 3 ? value : 255 * (value / 255) ** 1.6)) };
}

/** Pictures that are decoded already, by name. */
class Pictures {
  readonly #images = new Map<string, RgbaImage>();
  readonly decode = async (blob: Blob): Promise<RgbaImage> => {
    const image = this.#images.get(await blob.text());
    if (image === undefined) throw new Error('no such picture');
    return image;
  };

  triplet(megapixels: number): Triplet {
    const a = waves(1, 1);
    return { a: this.#keep('a', a), a2: this.#keep('a2', curved(a)), b: this.photo(megapixels, 2) };
  }

  photo(megapixels: number, seed: number): Blob {
    return this.#keep(`${seed} of ${megapixels}`, waves(megapixels, seed));
  }

  #keep(name: string, image: RgbaImage): Blob {
    this.#images.set(name, image);
    return new Blob([name]);
  }
}

export async function measureEdit<Data>(
  runtime: Runtime<Data>,
  pack: { readonly base: string; readonly context: LoadContext },
  manifest: Manifest,
  precision: Precision,
  memoryNow: () => Memory,
  edits: number,
  turns: Turns,
): Promise<EditResult> {
  const pictures = new Pictures();
  const fetched = (): ReturnType<typeof fetchFiles> =>
    fetchFiles(pack.context, pack.base, filesFor(manifest, precision));
  // The engine disposes its runtime, which the benchmark still needs.
  const lent: Runtime<Data> = { ...runtime, dispose: async () => undefined };
  const open = async (): Promise<PackEngine<Data>> =>
    new PackEngine(
      lent,
      await openModel(lent, manifest, await fetched(), precision, unwatched),
      pictures.decode,
    );

  const small = pictures.triplet(1);
  const files = await fetched();
  const model = await openModel(runtime, manifest, files, precision, unwatched);
  const { size } = manifest.image;
  const image = (channels: number, dims: readonly number[]): ReturnType<typeof runtime.compute.upload> => {
    const values = numbers(channels * size * size, channels);
    return runtime.compute.upload(inPrecision(values, precision), dims, 'bench');
  };
  const time = inPrecision(Float32Array.of(0), precision);
  const feeds = stepFeeds(model, {
    x: image(3, [1, 3, size, size]),
    target: image(6, [1, 6, size, size]),
    pairs: image(9, [1, 1, 9, size, size]),
    t: runtime.compute.upload(time, [1], 'bench'),
  });
  const shown = new Map([[manifest.encoder.inputs.images, image(9, [3, 3, size, size])]]);
  const encoderFeeds = feedsFor(model.encoder, model.encoderWeights, shown);
  const opened = async (graphs: Manifest['encoder']['graphs']): ReturnType<typeof runtime.openGraph> => {
    const file = files.get(graphOf(graphs, precision));
    if (file === undefined) throw new Error('a graph was not fetched');
    return runtime.openGraph(file);
  };
  const first = await inTurns(
    {
      [EDIT_WAYS.bare]: async () => {
        const encoder = await opened(manifest.encoder.graphs);
        const denoiser = await opened(manifest.denoiser.graphs);
        await runs(encoder, encoderFeeds)();
        await runs(denoiser, feeds)();
        await runtime.settle();
        await encoder.dispose();
        await denoiser.dispose();
      },
      [EDIT_WAYS.first]: async () => {
        const engine = await open();
        await engine.run(small, {}, unwatched);
        await engine.dispose();
      },
    },
    turns,
  );
  await model.dispose();

  const engine = await open();
  const points: EditResult['points'][number][] = [];
  for (const megapixels of MEGAPIXELS) {
    const triplet = pictures.triplet(megapixels);
    const another = { ...triplet, b: pictures.photo(megapixels, 4) };
    let last: RunResult | undefined;
    let weight = 0;
    const phases: RunResult['report']['timings'][] = [];
    const times = await inTurns(
      {
        [EDIT_WAYS.again]: async () => {
          // Another triplet in between, so that nothing of this one is kept.
          await engine.encode({ ...triplet, a: triplet.a2, a2: triplet.a }, unwatched);
        },
        [EDIT_WAYS.edit]: async () => {
          last = await engine.run(triplet, {}, unwatched);
          phases.push(last.report.timings);
        },
        [EDIT_WAYS.weight]: async () => {
          if (last === undefined) throw new Error('nothing was run yet');
          const values = last.coefficients.values.slice();
          weight += 0.001;
          for (let l = 0; l < last.coefficients.targets; l += 1)
            values[l * last.coefficients.elements] += weight;
          await engine.run(triplet, { coefficients: { ...last.coefficients, values } }, unwatched);
        },
        [EDIT_WAYS.strength]: () => engine.rerender({ strength: 0.5 }, unwatched),
        // Of the pair that was read for the edits before.
        [EDIT_WAYS.photo]: () => engine.run(another, {}, unwatched),
      },
      { ...turns, least: 0 },
    );
    points.push({
      megapixels,
      rows: rowsOf(times).filter(({ name }) => name !== EDIT_WAYS.again),
      phases: phases.at(-1) ?? {},
    });
  }

  const memory: Memory[] = [];
  const start = performance.now();
  for (let edit = 0; edit < edits; edit += 1) {
    if (edit >= FEW && performance.now() - start > SLOW * edit) break;
    await engine.run(
      edit % 2 === 0 ? small : { ...small, a: small.a2, a2: small.a },
      { seed: edit },
      unwatched,
    );
    memory.push(memoryNow());
  }
  const memoryByPhase: Partial<Record<RunPhase, Memory>> = {};
  const large = pictures.triplet(MEGAPIXELS[1]);
  await engine.run(
    large,
    {},
    {
      ...unwatched,
      onProgress: (progress) => {
        if (progress.kind === 'run' && progress.done === progress.total)
          memoryByPhase[progress.phase] = memoryNow();
      },
    },
  );
  await engine.dispose();
  return {
    backend: runtime.backend,
    adapter: runtime.adapter,
    precision,
    first: rowsOf(first),
    points,
    memory,
    memoryByPhase,
  };
}
