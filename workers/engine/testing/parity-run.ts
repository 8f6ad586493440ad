/**
 * The engine's side of the parity test, started by training/tests/test_parity.py: the engine's own
 * pipeline, ONNX Runtime included, on a pack that PyTorch has exported.
 *
 * LIKEWISE_PARITY names a folder with `pack/`, `job.json` (the Work below) and the triplet as a.rgba,
 * a2.rgba and b.rgba: width and height as u32, then RGBA8. The results go to `engine.safetensors`
 * in the same folder, all as f32. There is no worker and no browser here: `self` and
 * `navigator.gpu` are given, everything behind them is what runs in the page.
 */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { openGpu } from '../compute/testing/device';
import { chooseBackend } from '../device';
import { encodeTriplet, tripletKey } from '../encode';
import { Job, type Hooks } from '../job';
import { Merger } from '../merge';
import { openModel } from '../model';
import { fetchFiles, fetchManifest, type LoadContext } from '../pack/load';
import { filesFor, precisionFor, type Precision } from '../pack/manifest';
import type { Backend, RgbaImage, Triplet } from '../protocol';
import { withRuntime, type Runtime } from '../runtime';
import { sample } from '../sample';
import { safetensors, type TestTensor } from './tiny-pack';

interface Work {
  readonly backend: Backend;
  /** WebGPU: a part of the adapter's name. */
  readonly adapter: string;
  readonly precision: Precision;
  readonly steps: number;
  readonly seed: number;
}

const folder = process.env.LIKEWISE_PARITY ?? '';
const hooks: Hooks = { signal: new AbortController().signal, onProgress: () => undefined };

async function decode(blob: Blob): Promise<RgbaImage> {
  const bytes = await blob.arrayBuffer();
  const [width, height] = new Uint32Array(bytes, 0, 2);
  return { width, height, data: new Uint8ClampedArray(bytes, 8) };
}

function tensor(values: Float32Array, shape: readonly number[]): TestTensor {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

async function follow<Data>(runtime: Runtime<Data>, work: Work): Promise<Record<string, TestTensor>> {
  const context: LoadContext = {
    fetchFile: async (url) => new Response(readFileSync(new URL(url))),
    signal: hooks.signal,
    onProgress: () => undefined,
  };
  const base = `${pathToFileURL(join(folder, 'pack')).href}/`;
  const manifest = await fetchManifest(context, base);
  const { precision } = work;
  // Throws where fp16 is asked of a device without it; fp32 runs on any.
  expect(precisionFor(manifest, runtime.hasFp16 && precision === 'fp16')).toBe(precision);
  const files = await fetchFiles(context, base, filesFor(manifest, precision));
  const model = await openModel(runtime, manifest, files, precision, hooks);

  const picture = (name: string): Blob => new Blob([readFileSync(join(folder, `${name}.rgba`))]);
  const triplet: Triplet = { a: picture('a'), a2: picture('a2'), b: picture('b') };
  const job = new Job(hooks, runtime);
  const encoded = await encodeTriplet(runtime, model, triplet, await tripletKey(triplet), decode, job);
  await new Merger(runtime, model).apply(encoded.coefficients);

  const results: Record<string, TestTensor> = {
    coefficients: tensor(encoded.coefficients, [manifest.targets.length, manifest.basis.elements]),
    pairs: tensor(await runtime.compute.read(encoded.pairs), encoded.pairs.dims),
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
      weights: encoded.anchor.weights,
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
  const work = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as Work;
  // As built: the worker lies in assets/, ONNX Runtime's files beside it in ort/.
  symlinkSync(join(process.cwd(), 'node_modules', 'onnxruntime-web', 'dist'), join(folder, 'ort'), 'dir');
  const page = pathToFileURL(join(folder, 'assets', 'worker.js')).href;
  vi.stubEnv('DEV', false);
  vi.stubGlobal('self', { location: { href: page }, crossOriginIsolated: false });
  if (work.backend === 'webgpu')
    vi.stubGlobal('navigator', { gpu: await openGpu(work.adapter), hardwareConcurrency: 1 });
  const results = await withRuntime(await chooseBackend(work.backend), (runtime) => follow(runtime, work));
  writeFileSync(join(folder, 'engine.safetensors'), new Uint8Array(safetensors(results)));
}, 600_000);
