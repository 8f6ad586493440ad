/**
 * The engine's side of the parity test, started by training/tests/test_parity.py: the engine's own
 * pipeline, ONNX Runtime included, on a pack that PyTorch has exported.
 *
 * The folder (folder.ts) has `pack/`, `job.json` (the ParityWork below) and the triplet as a.rgba,
 * a2.rgba and b.rgba. The results go to `engine.safetensors` in the same folder, all as f32.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { encodeTriplet, keysOf } from '../encode';
import { Job, unwatched } from '../job';
import { Merger } from '../merge';
import type { Triplet } from '../protocol';
import { withRuntime, type Runtime } from '../runtime';
import { sample } from '../sample';
import { decode, folder, openPack, picture, readWork, type Work } from './folder';
import { chooseInNode, furnish } from './node';
import { safetensors, type TestTensor } from './tiny-pack';

interface ParityWork extends Work {
  readonly steps: number;
  readonly seed: number;
}

function tensor(values: Float32Array, shape: readonly number[]): TestTensor {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

async function follow<Data>(runtime: Runtime<Data>, work: ParityWork): Promise<Record<string, TestTensor>> {
  const model = await openPack(runtime, work.precision);
  const { manifest } = model;

  const triplet: Triplet = { a: picture('a'), a2: picture('a2'), b: picture('b') };
  const job = new Job(unwatched, runtime);
  const encoded = await encodeTriplet(runtime, model, triplet, await keysOf(triplet), undefined, decode, job);
  await new Merger(runtime, model).apply(encoded.coefficients);

  const results: Record<string, TestTensor> = {
    coefficients: tensor(encoded.coefficients, [manifest.targets.length, manifest.basis.elements]),
    pairs: tensor(await runtime.compute.read(encoded.pair.pairs), encoded.pair.pairs.dims),
    target: tensor(await runtime.compute.read(encoded.target), encoded.target.dims),
  };
  for (const [l, { name }] of manifest.targets.entries()) {
    const { merged } = model.targets[l];
    results[`merged.${name}`] = tensor(await runtime.compute.read(merged), merged.dims);
  }

  /** The head after `steps`: x̂ `[3, S, S]` in 0..1, and b′ as a person gets it. */
  async function draw(name: string, steps: number): Promise<void> {
    const { compute } = runtime;
    const { size } = manifest.image;
    const options = { steps, seed: work.seed, strength: 1 };
    const sampled = await sample(runtime, model, encoded, options, job, () => undefined);
    // A flow step from zero to the end of time leaves 2x̂ − 1.
    const x = compute.upload(new Float32Array(3 * size * size), [1, 3, size, size], 'drawn');
    compute.flowStep(sampled.head, encoded.anchorB, x, 0, 1);
    const values = await compute.read(x);
    const drawn = values.map((value) => (value + 1) / 2);
    results[name] = tensor(drawn, [3, size, size]);
    const image = await compute.renderFull({
      ...sampled.head,
      image: encoded.full,
      anchor: encoded.anchor,
      strength: 1,
      width: encoded.full.width,
      height: encoded.full.height,
      onTile: () => undefined,
      checkpoint: () => job.checkpoint(),
    });
    results[`${name}.image`] = tensor(Float32Array.from(image.data), [image.height, image.width, 4]);
    sampled.dispose();
  }
  await draw('step', 1);
  await draw('run', work.steps);

  encoded.dispose();
  runtime.check();
  await model.dispose();
  await runtime.dispose();
  return results;
}

it('runs the pack', async () => {
  const work = readWork() as ParityWork;
  furnish(folder);
  const results = await withRuntime(await chooseInNode(work), (runtime) => follow(runtime, work));
  writeFileSync(join(folder, 'engine.safetensors'), new Uint8Array(safetensors(results)));
}, 600_000);
