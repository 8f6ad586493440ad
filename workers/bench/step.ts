/**
 * One step of the denoiser: the engine's, the bare `session.run` under it, the same graph as an exporter
 * writes it, with its weights as constants and no LoRA, and as ORT runs it when it is told nothing.
 */
import { Arena } from '../engine/arena';
import type { Tensor } from '../engine/compute/compute';
import { narrowHalf } from '../engine/compute/half';
import { stepFeeds, type Graph } from '../engine/graph';
import { Job, unwatched } from '../engine/job';
import { ONE_PAIR, type Model } from '../engine/model';
import type { Runtime } from '../engine/runtime';
import { sample } from '../engine/sample';
import { maker, numbers, runs } from './merge';
import { withConstants, type Constant } from '../engine/onnx';
import { rowsOf, STEP_WAYS, type Growth, type StepResult } from './results';
import { inTurns, type Turns, type Work } from './turns';

const STEPS = [1, 2, 4, 8];
const PAIRS = [1, 2, 4];
/** Milliseconds of a step from which on taking many takes too long. */
const SLOW = 1000;

async function constantsOf<Data>(
  runtime: Runtime<Data>,
  model: Model<Data>,
): Promise<ReadonlyMap<string, Constant>> {
  const out = new Map<string, Constant>();
  for (const [name, tensor] of model.denoiserWeights) {
    const exact = Float32Array.from(await runtime.compute.read(tensor));
    const stored = tensor.type === 'float16' ? narrowHalf(exact) : exact;
    out.set(name, { type: tensor.type, dims: tensor.dims, bytes: new Uint8Array(stored.buffer) });
  }
  return out;
}

/**
 * A whole run of one step, noise and preview included, against the graph's run alone.
 * @param graph the denoiser's ONNX file in the model's precision
 * @param grows whether steps and tokens are measured as well, where a step is quick
 */
export async function measureStep<Data>(
  runtime: Runtime<Data>,
  model: Model<Data>,
  graph: ArrayBuffer,
  grows: boolean,
  turns: Turns,
): Promise<StepResult> {
  const { compute } = runtime;
  const { size } = model.manifest.image;
  const { elements, scale } = model.manifest.basis;
  const type = model.precision === 'fp16' ? 'float16' : 'float32';
  const arena = new Arena(compute);
  const make = maker(runtime, arena);
  const image = (channels: number, seed: number, as: typeof type): Tensor<Data> =>
    make(as, numbers(channels * size * size, seed), [1, channels, size, size]);
  const b = image(3, 1, 'float32');
  const anchorB = image(3, 2, 'float32');
  const encoded = {
    b: { ...b, dims: [3, size, size] },
    anchorB: { ...anchorB, dims: [3, size, size] },
    pair: { pairs: image(9, 3, type) },
    target: image(6, 4, type),
    shown: { left: 0, top: 0, width: 1, height: 1 },
  };
  const uniform = new Float32Array(model.targets.length * elements).fill(1 / elements);
  await compute.merge(model.targets, uniform, elements, scale);
  const given = {
    x: image(3, 5, type),
    target: encoded.target,
    pairs: { ...encoded.pair.pairs, dims: [1, ...encoded.pair.pairs.dims] },
    t: make(type, Float32Array.of(0), [1]),
  };
  const constant = await runtime.openGraph(
    withConstants(new Uint8Array(graph), await constantsOf(runtime, model)).buffer,
    { axes: ONE_PAIR, changing: Object.values(model.manifest.denoiser.inputs) },
  );
  const plain = await runtime.openGraph(graph);
  const bare = (of: Graph<Data>): Work => runs(of, stepFeeds({ ...model, denoiser: of }, given));
  const inputs = bare(model.denoiser);
  const job = new Job(unwatched, runtime);
  const run =
    (steps: number): Work =>
    async () => {
      const options = { steps, seed: 0, strength: 1 };
      const { shown, dispose } = await sample(runtime, model, encoded, options, job, () => undefined);
      await shown;
      dispose();
    };
  const times = await inTurns(
    {
      [STEP_WAYS.engine]: run(1),
      [STEP_WAYS.inputs]: inputs,
      // As a run of one step is: it is over when its preview is there.
      [STEP_WAYS.waited]: async () => {
        await inputs();
        await turns.settle();
      },
      [STEP_WAYS.constants]: bare(constant),
      [STEP_WAYS.plain]: bare(plain),
    },
    turns,
  );
  const growth = grows && times[STEP_WAYS.engine].median < SLOW ? await measureGrowth() : [];
  runtime.check();
  arena.dispose();
  await constant.dispose();
  await plain.dispose();
  return {
    backend: runtime.backend,
    adapter: runtime.adapter,
    precision: model.precision,
    rows: rowsOf(times),
    growth,
  };

  /** Steps of a run, and pairs shown to one step: a pair more is (S / patch)² tokens more. */
  async function measureGrowth(): Promise<Growth[]> {
    const tokensOf = (pairs: number): number => (1 + pairs) * (size / model.manifest.denoiser.patch) ** 2;
    const bySteps = Object.fromEntries(STEPS.map((steps) => [steps, run(steps)]));
    const byTokens = Object.fromEntries(
      PAIRS.map((count) => {
        const pairs = make(type, numbers(count * 9 * size * size, 3), [1, count, 9, size, size]);
        return [tokensOf(count), runs(plain, stepFeeds({ ...model, denoiser: plain }, { ...given, pairs }))];
      }),
    );
    const curve = async (of: 'steps' | 'tokens', works: Readonly<Record<string, Work>>): Promise<Growth> => {
      const found = await inTurns(works, turns);
      return { of, points: Object.entries(found).map(([value, ms]) => ({ value: Number(value), ms })) };
    };
    return [await curve('steps', bySteps), await curve('tokens', byTokens)];
  }
}
