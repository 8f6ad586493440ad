/** What the engine expects of a worker's surroundings, in Node: `self`, `navigator.gpu`, ONNX Runtime's files. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import { openGpu } from '../compute/testing/dawn';
import '../compute/testing/patience';
import { chooseBackend, type Choice } from '../device';
import { unwatched } from '../job';
import type { LoadContext } from '../pack/load';
import type { Backend } from '../protocol';

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

/** Reads packs from folders of this machine. */
export const fromDisk: LoadContext = {
  fetchFile: async (url) => new Response(readFileSync(new URL(url))),
  signal: unwatched.signal,
  onProgress: () => undefined,
};

/** A folder as the address of a pack. */
export const folderUrl = (folder: string): string => `${pathToFileURL(folder).href}/`;
