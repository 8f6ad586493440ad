/**
 * Whether a denoiser computes here what its pack says (docs/pack-format.md, "Probes"). A recorded graph can be
 * wrong without an error: what it replays are buffers, and ONNX Runtime has mistaken them before
 * (microsoft/onnxruntime#29594, #28325).
 */
import { Arena } from './arena';
import type { Tensor } from './compute/compute';
import { inPrecision } from './compute/half';
import { stepFeeds } from './graph';
import type { Model } from './model';
import { gaussianNoise } from './noise';
import type { Runtime } from './runtime';

/** Of values around 1: fp16 on different devices agrees to a hundredth. */
const TOLERANCE = 0.05;

type Probed<Data> = Pick<Model<Data>, 'manifest' | 'precision' | 'denoiser' | 'denoiserWeights' | 'targets'>;

/** True where every probe of the pack comes out as it should, and where there is none. */
export async function provesRight<Data>(runtime: Runtime<Data>, model: Probed<Data>): Promise<boolean> {
  const { compute } = runtime;
  const { manifest, precision, targets } = model;
  const { size } = manifest.image;
  const { outputs, probes = [] } = manifest.denoiser;
  const { elements, scale } = manifest.basis;
  const arena = new Arena(compute);
  const upload = (values: Float32Array, dims: readonly number[]): Tensor<Data> =>
    arena.keep(compute.upload(inPrecision(values, precision), dims, 'probe'));
  const noise = (seed: number, channels: number, mean: number, deviation: number): Float32Array =>
    gaussianNoise(seed, channels * size * size).map((value) => mean + deviation * value);
  try {
    if (probes.length > 0) {
      const none = new Float32Array(targets.length * elements);
      await compute.merge(targets, none, elements, scale);
    }
    for (const { seed, ...expected } of probes) {
      const feeds = stepFeeds(model, {
        x: upload(noise(seed, 3, 0, 1), [1, 3, size, size]),
        target: upload(noise(seed + 1, 6, 0.5, 0.2), [1, 6, size, size]),
        pairs: upload(noise(seed + 2, 9, 0, 0.3), [1, 1, 9, size, size]),
        t: upload(Float32Array.of(0), [1]),
      });
      const made = await model.denoiser.run(feeds);
      try {
        for (const name of ['grid', 'maps'] as const) {
          const output = made.get(outputs[name]);
          if (output === undefined) return false;
          const values = await compute.read(output.tensor);
          const stride = Math.floor(values.length / expected[name].length);
          // Written so that what is no number is wrong.
          const right = expected[name].every((value, i) => Math.abs(values[i * stride] - value) <= TOLERANCE);
          if (!right) return false;
        }
      } finally {
        for (const output of made.values()) output.dispose();
      }
    }
    return true;
  } catch {
    // A lost device is told; what else fails here has failed the probe.
    runtime.check();
    return false;
  } finally {
    arena.dispose();
  }
}
