/** What the engine expects of a worker's surroundings, in Node: `self`, `navigator.gpu`, ONNX Runtime's files. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import { openGpu } from '../compute/testing/device';
import { chooseBackend, type Choice } from '../device';
import type { Hooks } from '../job';
import { openModel, type Model } from '../model';
import { fetchFiles, fetchManifest, type LoadContext, type PackFiles } from '../pack/load';
import { filesFor, precisionFor, type Precision } from '../pack/manifest';
import type { Backend } from '../protocol';
import type { Runtime } from '../runtime';

/** Of a call that nobody cancels or watches. */
export const hooks: Hooks = { signal: new AbortController().signal, onProgress: () => undefined };

/** As built, in `folder`: the worker lies in assets/, ONNX Runtime's files beside it in ort/. */
export function furnish(folder: string): void {
  symlinkSync(join(process.cwd(), 'node_modules', 'onnxruntime-web', 'dist'), join(folder, 'ort'), 'dir');
  const page = pathToFileURL(join(folder, 'assets', 'worker.js')).href;
  vi.stubEnv('DEV', false);
  vi.stubGlobal('self', { location: { href: page }, crossOriginIsolated: false });
}

/** `adapter`: a part of its name, for WebGPU. */
export async function chooseInNode({
  backend,
  adapter,
}: {
  backend: Backend;
  adapter: string;
}): Promise<Choice> {
  if (backend === 'webgpu')
    vi.stubGlobal('navigator', { gpu: await openGpu(adapter), hardwareConcurrency: 1 });
  return chooseBackend(backend);
}

/** A pack in a folder of this machine, verified and uploaded. @throws where fp16 is asked of a device without it */
export async function readPack<Data>(
  runtime: Runtime<Data>,
  precision: Precision,
  folder: string,
): Promise<{ model: Model<Data>; files: PackFiles }> {
  const context: LoadContext = {
    fetchFile: async (url) => new Response(readFileSync(new URL(url))),
    signal: hooks.signal,
    onProgress: () => undefined,
  };
  const base = `${pathToFileURL(folder).href}/`;
  const manifest = await fetchManifest(context, base);
  // fp32 runs on any device.
  if (precisionFor(manifest, runtime.hasFp16 && precision === 'fp16') !== precision)
    throw new Error(`${runtime.adapter} cannot run ${manifest.id} in ${precision}`);
  const files = await fetchFiles(context, base, filesFor(manifest, precision));
  return { model: await openModel(runtime, manifest, files, precision, hooks), files };
}
