/**
 * Real WebGPU devices in Node, through the npm package `webgpu` (Dawn).
 *
 * On Linux the drivers are those of LIKEWISE_VK_ICD (one or several Vulkan ICD files, separated by
 * colons; a graphics card's own driver can be named here), else lavapipe where Debian installs it
 * (mesa-vulkan-drivers from bookworm-backports; the only software driver with shader-f16) and
 * Chromium's SwiftShader. Elsewhere Dawn takes the system's own (Metal, Direct3D). No device is a
 * failure, never a skip, and so is a named driver that does not work.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

// Software drivers compile a large kernel for seconds, more on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ICD_FOLDERS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
const SWIFTSHADER = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];
const REMEDY =
  'Install chromium (SwiftShader) or mesa-vulkan-drivers 25 with libvulkan1 (lavapipe), or name the ICD file of another Vulkan driver in LIKEWISE_VK_ICD.';

function namedFiles(): string[] {
  return (process.env.LIKEWISE_VK_ICD ?? '').split(':').filter((file) => file !== '');
}

function knownFiles(): string[] {
  const lavapipe = ICD_FOLDERS.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /^lvp_icd.*\.json$/.test(file))
      .map((file) => join(folder, file)),
  );
  return [...lavapipe, ...SWIFTSHADER.filter(existsSync)];
}

/** Which adapters to ask Dawn for, by a part of their names; '' is its own choice. */
function adapterNames(files: readonly string[]): string[] {
  const names = files.map((file) =>
    file.includes('swiftshader') ? 'SwiftShader' : file.includes('lvp') ? 'llvmpipe' : '',
  );
  return [...new Set(names)];
}

interface Dawn {
  /** The GPU whose adapter has `name` in its name. */
  readonly open: (name: string) => GPU;
  readonly names: readonly string[];
  readonly drivers: string;
}

async function loadDawn(): Promise<Dawn> {
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
  return { open: (name) => create(name === '' ? [] : [`adapter=${name}`]), names, drivers };
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

export interface TestDevice {
  readonly name: string;
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** What to test here: a slow compiler with fp16 need not repeat what another device does in f32. */
  readonly types: readonly ('float32' | 'float16')[];
  /** Throws when anything since the last call raised a GPU error that nobody caught. */
  check(): Promise<void>;
  close(): void;
}

const ORT_FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'timestamp-query', 'subgroups'];

type Opened = Omit<TestDevice, 'types'>;

function sharedOut(opened: readonly Opened[]): TestDevice[] {
  const halves = ({ device }: Opened): boolean => device.features.has('shader-f16');
  const plain = opened.some((each) => !halves(each));
  return opened.map((each) => ({
    ...each,
    types: !halves(each) ? ['float32'] : plain ? ['float16'] : ['float32', 'float16'],
  }));
}

async function open(dawn: Dawn, name: string): Promise<Opened | undefined> {
  const gpu = dawn.open(name);
  // Dawn throws when no adapter has the name: a driver too old for it (Mesa before 23) offers none.
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return undefined;
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    label: `test device ${name}`,
    requiredFeatures: ORT_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  });
  const errors: string[] = [];
  device.addEventListener('uncapturederror', (event) => errors.push(event.error.message));
  return {
    name: name === '' ? adapter.info.description : name,
    device,
    info: adapter.info,
    async check() {
      await device.queue.onSubmittedWorkDone();
      const found = errors.splice(0);
      if (found.length > 0) throw new Error(`uncaptured GPU errors:\n${found.join('\n')}`);
      // Dawn's objects live in C++; keep the instance as long as its device.
      if (!('requestAdapter' in gpu)) throw new Error('the GPU instance is gone');
    },
    close: () => device.destroy(),
  };
}

/** One device per driver: every one that LIKEWISE_VK_ICD names, else each known one that works. */
export async function openDevices(): Promise<TestDevice[]> {
  const dawn = await loadDawn();
  const opened = await Promise.all(dawn.names.map((name) => open(dawn, name)));
  const devices = opened.filter((device) => device !== undefined);
  if (devices.length < (namedFiles().length > 0 ? dawn.names.length : 1))
    throw new Error(`Dawn cannot use all of ${dawn.drivers}. ${REMEDY}`);
  return sharedOut(devices);
}

/** The devices on which f32 is tested. */
export async function openPlainDevices(): Promise<TestDevice[]> {
  const devices = await openDevices();
  return devices.filter((opened) => {
    const plain = opened.types.includes('float32');
    if (!plain) opened.close();
    return plain;
  });
}
