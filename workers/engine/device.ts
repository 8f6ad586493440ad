/** The one GPUDevice, shared by our kernels and ONNX Runtime, and the one place where a backend is chosen. */
import { EngineFailure } from './errors';
import type { Backend, EngineOptions } from './protocol';

/** What ONNX Runtime asks for on a device of its own, as far as the adapter has it. */
const FEATURES = [
  'timestamp-query',
  'subgroups',
  'subgroup-size-control',
  'shader-f16',
  'chromium-experimental-subgroup-matrix',
] as const;

/** Limits at whose default (128 MiB storage bindings, 8 storage buffers) models do not fit. */
const LIMITS = [
  'maxBindGroups',
  'maxBindingsPerBindGroup',
  'maxStorageBuffersPerShaderStage',
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

const REMEDY_NO_WEBGPU = 'Choose the automatic backend, or use a current Chrome, Edge or Safari.';

export interface AdapterSummary {
  readonly adapter: string;
  readonly software: boolean;
  readonly features: readonly string[];
}

function summarise(adapter: GPUAdapter): AdapterSummary {
  const { info } = adapter;
  const parts = [info.vendor, info.architecture, info.device, info.description];
  const name = [...new Set(parts.filter((part) => part !== ''))].join(' ') || 'unnamed adapter';
  const software = info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(name);
  return { adapter: name, software, features: [...adapter.features].sort() };
}

export async function findAdapter(): Promise<GPUAdapter | undefined> {
  // Typed as always there, yet missing in Firefox on some systems and on insecure pages.
  const gpu = navigator.gpu as GPU | undefined;
  try {
    return (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
  } catch {
    return undefined;
  }
}

/** For diagnostics: what `findAdapter` would find. */
export async function describeAdapter(): Promise<AdapterSummary | undefined> {
  const adapter = await findAdapter();
  return adapter === undefined ? undefined : summarise(adapter);
}

/** Remembers why a device can no longer be used: ORT's `run` resolves as if nothing had happened. */
export class DeviceWatch {
  #failure: EngineFailure | undefined;
  #ended = false;
  /** Rejects on the first failure; for racing against calls that would otherwise never settle. */
  readonly failed: Promise<never>;

  constructor(device: Pick<GPUDevice, 'lost' | 'addEventListener'>) {
    let reject: (reason: EngineFailure) => void = () => undefined;
    this.failed = new Promise<never>((_, onFailure) => {
      reject = onFailure;
    });
    this.failed.catch(() => undefined); // looked at through `check` and `race` only
    const fail = (failure: EngineFailure): void => {
      if (this.#ended || this.#failure !== undefined) return;
      this.#failure = failure;
      reject(failure);
    };
    void device.lost.then((info) => {
      fail(
        new EngineFailure(
          'engine/device-lost',
          'The connection to the graphics card was lost.',
          'Try again: the pack is loaded anew. If it happens often, use the WASM backend: add ?backend=wasm to the address.',
          `${info.reason}: ${info.message}`,
        ),
      );
    });
    device.addEventListener('uncapturederror', (event) => {
      const { error } = event;
      const memory = error instanceof GPUOutOfMemoryError;
      fail(
        memory
          ? new EngineFailure(
              'engine/out-of-memory',
              'The graphics card has not enough free memory.',
              'Close other tabs or programs, or ask for a smaller result, and try again.',
              error.message,
            )
          : new EngineFailure(
              'engine/failed',
              'The graphics card refused a calculation.',
              'Use the WASM backend (add ?backend=wasm to the address), and copy the diagnostics to report it.',
              error.message,
            ),
      );
    });
  }

  get failure(): EngineFailure | undefined {
    return this.#failure;
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async race<T>(work: Promise<T>): Promise<T> {
    const value = await Promise.race([work, this.failed]);
    this.check();
    return value;
  }

  /** Call before destroying the device on purpose. */
  end(): void {
    this.#ended = true;
  }
}

export interface OwnDevice {
  readonly device: GPUDevice;
  readonly summary: AdapterSummary;
  readonly watch: DeviceWatch;
}

export async function openDevice(adapter: GPUAdapter): Promise<OwnDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = FEATURES.filter((name) => adapter.features.has(name)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ label: 'likewise', requiredFeatures, requiredLimits });
  return { device, summary: summarise(adapter), watch: new DeviceWatch(device) };
}

export type Choice = { readonly backend: 'webgpu'; readonly own: OwnDevice } | { readonly backend: 'wasm' };

/**
 * `auto`: WebGPU on a hardware adapter, else WASM. `webgpu` accepts a software adapter too.
 * @throws EngineFailure `engine/no-backend` when `webgpu` was asked for and there is none
 */
export async function chooseBackend(wanted: EngineOptions['backend'] | Backend): Promise<Choice> {
  if (wanted === 'wasm') return { backend: 'wasm' };
  const adapter = await findAdapter();
  if (wanted === 'auto' && (adapter === undefined || summarise(adapter).software)) return { backend: 'wasm' };
  if (adapter === undefined) {
    throw new EngineFailure('engine/no-backend', 'This browser offers no WebGPU here.', REMEDY_NO_WEBGPU);
  }
  try {
    return { backend: 'webgpu', own: await openDevice(adapter) };
  } catch (thrown) {
    if (wanted === 'auto') return { backend: 'wasm' };
    throw new EngineFailure(
      'engine/no-backend',
      'The graphics card could not be opened.',
      REMEDY_NO_WEBGPU,
      thrown,
    );
  }
}
