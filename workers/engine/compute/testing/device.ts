/**
 * Real WebGPU devices for tests, on the drivers that dawn.ts finds. No device is a failure, never a
 * skip, and so is a named driver that does not work.
 */
import { loadDawn, namedFiles, REMEDY, type Dawn } from './dawn';
import './patience';

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
