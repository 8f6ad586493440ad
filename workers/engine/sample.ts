/** Flow matching from noise to the head's parameters: `steps` calls of the denoiser. */
import { Arena } from './arena';
import type { HeadInputs } from './compute/compute';
import { inPrecision } from './compute/half';
import type { Encoded } from './encode';
import { stepFeeds, type GraphOutput } from './graph';
import type { Job } from './job';
import type { Model } from './model';
import { gaussianNoise } from './noise';
import type { Runtime } from './runtime';

/** The head of the last step; `dispose` gives its buffers back. */
export interface Sampled<Data> {
  readonly head: HeadInputs<Data>;
  /** Resolves once the last preview was told of; rejects where it failed. */
  readonly shown: Promise<void>;
  /** Milliseconds per step, its preview included; the last one's is there once it is shown. */
  readonly stepTimings: readonly number[];
  dispose(): void;
}

function disposeAll<Data>(outputs: ReadonlyMap<string, GraphOutput<Data>>): void {
  for (const output of outputs.values()) output.dispose();
}

/** What of a triplet the steps need. */
type Given<Data> = Pick<Encoded<Data>, 'b' | 'anchorB' | 'target' | 'shown'> & {
  readonly pair: Pick<Encoded<Data>['pair'], 'pairs' | 'line'>;
};

function headOf<Data>(
  model: Model<Data>,
  encoded: Given<Data>,
  outputs: ReadonlyMap<string, GraphOutput<Data>>,
): HeadInputs<Data> {
  const { outputs: names } = model.manifest.denoiser;
  const grid = outputs.get(names.grid)?.tensor;
  const maps = outputs.get(names.maps)?.tensor;
  if (grid === undefined || maps === undefined) throw new Error('the denoiser returned no grid or maps');
  const withoutBatch = {
    grid: { ...grid, dims: grid.dims.slice(1) },
    maps: { ...maps, dims: maps.dims.slice(1) },
  };
  return { ...withoutBatch, b: encoded.b, line: encoded.pair.line };
}

let made: { readonly seed: number; readonly noise: Float32Array } | undefined;

/** Most runs have the seed of the one before, and noise takes as long to make as a graphics card to draw. */
function noiseOf(seed: number, length: number): Float32Array {
  if (made?.seed !== seed || made.noise.length !== length)
    made = { seed, noise: gaussianNoise(seed, length) };
  return made.noise;
}

export async function sample<Data>(
  runtime: Runtime<Data>,
  model: Model<Data>,
  encoded: Given<Data>,
  options: { readonly steps: number; readonly seed: number; readonly strength: number },
  job: Job,
  report: (done: number) => void,
): Promise<Sampled<Data>> {
  const { compute } = runtime;
  const { size } = model.manifest.image;
  const { steps, seed, strength } = options;
  const fp16 = model.precision === 'fp16';
  const stepTimings: number[] = [];
  const arena = new Arena(compute);
  let outputs: ReadonlyMap<string, GraphOutput<Data>> = new Map();
  let last = performance.now();
  let shown: Promise<void> = Promise.resolve();

  /** Asks for the preview of a step, and tells of it when it is there: nothing that follows needs it. */
  function show(head: HeadInputs<Data>, step: number): Promise<void> {
    const told = compute.renderPreview(head, encoded.anchorB, strength).then((image) => {
      runtime.check();
      const now = performance.now();
      stepTimings.push(now - last);
      last = now;
      // The phase itself tells of the last, which may be shown when it is over.
      if (step < steps) report(step);
      job.hooks.onProgress({ kind: 'preview', step, steps, image, place: encoded.shown });
    });
    // Whoever awaits it hears of a failure; where another comes first, nobody does.
    told.catch(() => undefined);
    return told;
  }

  try {
    const x = arena.keep(compute.upload(noiseOf(seed, 3 * size * size), [1, 3, size, size], 'x'));
    for (let k = 0; ; k += 1) {
      await job.checkpoint();
      const t = k / steps;
      const time = inPrecision(Float32Array.of(t), model.precision);
      const timestep = arena.keep(compute.upload(time, [1], 't'));
      const state = fp16 ? arena.keep(compute.cast(x, 'float16')) : x;
      const feeds = stepFeeds(model, {
        x: state,
        target: encoded.target,
        // The graph's axes are batch and pairs; there is one of each.
        pairs: { ...encoded.pair.pairs, dims: [1, ...encoded.pair.pairs.dims] },
        t: timestep,
      });
      outputs = await model.denoiser.run(feeds);
      arena.release(timestep);
      if (state !== x) arena.release(state);

      const head = headOf(model, encoded, outputs);
      // One step at most is asked for ahead of what is done, so that progress is true and cancelling takes effect.
      await shown;
      shown = show(head, k + 1);
      if (k + 1 === steps) {
        const kept = outputs;
        return { head, shown, stepTimings, dispose: () => disposeAll(kept) };
      }
      compute.flowStep(head, encoded.anchorB, x, t, (k + 1) / steps);
      // Commands on a queue run in order, so what flowStep reads may be given back now.
      disposeAll(outputs);
      outputs = new Map();
    }
  } catch (thrown) {
    disposeAll(outputs);
    throw thrown;
  } finally {
    arena.dispose();
  }
}
