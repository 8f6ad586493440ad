/**
 * WebGPU in Node, through the npm package `webgpu` (Dawn).
 *
 * On Linux the drivers are those of LIKEWISE_VK_ICD (one or several Vulkan ICD files, separated by
 * colons), else those of a graphics card where there is one, lavapipe where Debian installs it
 * (mesa-vulkan-drivers from bookworm-backports; the only software driver with shader-f16) and
 * Chromium's SwiftShader. Elsewhere Dawn takes the system's own (Metal, Direct3D).
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ICD_FOLDERS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
const SWIFTSHADER = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];
export const REMEDY =
  'Install chromium (SwiftShader) or mesa-vulkan-drivers 25 with libvulkan1 (lavapipe), or name the ICD file of another Vulkan driver in LIKEWISE_VK_ICD.';

export function namedFiles(): string[] {
  return (process.env.LIKEWISE_VK_ICD ?? '').split(':').filter((file) => file !== '');
}

function knownFiles(): string[] {
  const installed = ICD_FOLDERS.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => join(folder, file)),
  );
  const lavapipe = installed.filter((file) => file.includes('lvp_icd'));
  // Mesa installs a driver for every card there might be.
  const cards = hasCard() ? installed.filter((file) => !NO_CARD.test(file)) : [];
  return [...cards, ...lavapipe, ...SWIFTSHADER.filter(existsSync)];
}

const NO_CARD = /lvp|swiftshader|virtio|gfxstream/;

function hasCard(): boolean {
  const nodes = existsSync('/dev/dri') ? readdirSync('/dev/dri') : [];
  return existsSync('/dev/nvidiactl') || nodes.some((node) => node.startsWith('render'));
}

/** Dawn's own choice, which need not be a card: not every one has a driver that works. */
async function isCard(gpu: GPU): Promise<boolean> {
  const adapter = await gpu.requestAdapter().catch(() => null);
  return adapter !== null && !/llvmpipe|swiftshader/i.test(adapter.info.description + adapter.info.device);
}

/** Which adapters to ask Dawn for, by a part of their names; '' is its own choice. */
function adapterNames(files: readonly string[]): string[] {
  const names = files.map((file) =>
    file.includes('swiftshader') ? 'SwiftShader' : file.includes('lvp') ? 'llvmpipe' : '',
  );
  return [...new Set(names)];
}

export interface Dawn {
  /** The GPU whose adapter has `name` in its name. */
  readonly open: (name: string) => GPU;
  readonly names: readonly string[];
  readonly drivers: string;
}

/** Timestamps as the device tells them; browsers round them. */
const EXACT = ['disable-dawn-features=timestamp_quantization'];

export async function loadDawn(): Promise<Dawn> {
  let names = [''];
  let drivers = "the system's own driver";
  if (process.platform === 'linux') {
    const named = namedFiles();
    const files = named.length > 0 ? named : knownFiles();
    if (files.length === 0) throw new Error(`No Vulkan driver for the GPU tests was found. ${REMEDY}`);
    // The Vulkan loader reads this when Dawn makes its instance, so it comes before the import.
    process.env.VK_ICD_FILENAMES = files.join(':');
    names = adapterNames(files);
    drivers = files.join(', ');
  }
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const open = (name: string): GPU => create([...EXACT, ...(name === '' ? [] : [`adapter=${name}`])]);
  // With drivers that nobody named.
  if (names.length > 1 && names.includes('') && namedFiles().length === 0 && !(await isCard(open(''))))
    names = names.filter((name) => name !== '');
  return { open, names, drivers };
}

let takesSharedMemory = false;

/** Dawn's binding for Node refuses views of shared memory, which is what a threaded WASM heap is. */
function takeSharedMemory(): void {
  if (takesSharedMemory) return;
  takesSharedMemory = true;
  const { prototype } = GPUQueue;
  const write = prototype.writeBuffer;
  prototype.writeBuffer = function writeCopy(buffer, at, data, first = 0, size) {
    // ONNX Runtime writes bytes; anything else is passed on as it is.
    const shared = data instanceof Uint8Array && data.buffer instanceof SharedArrayBuffer;
    if (!shared) return write.call(this, buffer, at, data as GPUAllowSharedBufferSource, first, size);
    const end = size === undefined ? undefined : first + size;
    return write.call(this, buffer, at, data.slice(first, end));
  };
}

/** The adapters that `openGpu` can be asked for here: with drivers named by the person, theirs. */
export async function adapterNamesHere(): Promise<readonly string[]> {
  return (await loadDawn()).names;
}

/**
 * A `navigator.gpu` for code that finds its adapter itself; `name` as Dawn knows it, e.g. 'llvmpipe'.
 * @throws when no driver has such an adapter
 */
export async function openGpu(name: string): Promise<GPU> {
  const { open, drivers } = await loadDawn();
  const gpu = open(name);
  const adapter = await gpu.requestAdapter().catch(() => null);
  takeSharedMemory();
  if (adapter === null) throw new Error(`Dawn finds no adapter ${name} with ${drivers}. ${REMEDY}`);
  return gpu;
}

/** Dawn's objects live in C++ and die with their instance. */
const held: GPU[] = [];

/** A GPU that takes every command and computes nothing: what is left to measure is the processor's part. */
export async function openIdleGpu(): Promise<GPU> {
  await loadDawn();
  takeSharedMemory();
  const { create } = await import('webgpu');
  const gpu = create(['backend=null']);
  held.push(gpu);
  return gpu;
}
