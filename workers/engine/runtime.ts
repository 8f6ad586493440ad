/** A backend ready to work: our arithmetic, ONNX Runtime, and the health of both. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import type { Compute, Tensor } from './compute/compute';
import { createCpuCompute, type CpuData } from './compute/cpu';
import { ortProducts } from './compute/ort-products';
import { createWebGpuCompute } from './compute/webgpu';
import type { Choice, OwnDevice } from './device';
import { wrapSession, type Graph, type GraphUse } from './graph';
import { startHelpers } from './helpers';
import { loadOrt, threadCount, type OrtModule } from './ort';
import type { Backend } from './protocol';
import { replaying } from './replay';

/** Placing shape arithmetic on the CPU is right, and ORT warns about it at every load. */
const ERRORS_ONLY = 3;

export interface Runtime<Data> {
  readonly backend: Backend;
  readonly adapter: string;
  /** The fp16 graphs can run here. */
  readonly hasFp16: boolean;
  readonly compute: Compute<Data>;
  /** Never while another session is created or runs. */
  openGraph(model: ArrayBuffer, use?: GraphUse): Promise<Graph<Data>>;
  /** Throws when the device is lost or has refused a command. */
  check(): void;
  readonly failed: boolean;
  /** Waits until everything submitted so far is done, so that timings are true. */
  settle(): Promise<void>;
  /** Graphs are to be disposed first. */
  dispose(): Promise<void>;
}

/**
 * `replay`: graphs whose changing inputs are known are recorded and replayed. Recording runs them once more,
 * for seconds on a processor that imitates a graphics card.
 */
export async function openWebGpu(
  ort: OrtModule,
  own: OwnDevice,
  replay = !own.summary.software,
): Promise<Runtime<GPUBuffer>> {
  const { device, watch, summary } = own;
  const compute = createWebGpuCompute(device, summary.software);
  const options: InferenceSession.SessionOptions = {
    executionProviders: [{ name: 'webgpu', device, storageBufferCacheMode: 'simple' }],
    preferredOutputLocation: 'gpu-buffer',
    graphOptimizationLevel: 'all',
    logSeverityLevel: ERRORS_ONLY,
  };
  const binding = {
    wrap: (tensor: Tensor<GPUBuffer>): OrtTensor =>
      ort.Tensor.fromGpuBuffer(tensor.data, { dataType: tensor.type, dims: tensor.dims }),
    unwrap: (tensor: OrtTensor): Tensor<GPUBuffer> => ({
      data: tensor.gpuBuffer,
      type: tensor.type === 'float16' ? 'float16' : 'float32',
      dims: tensor.dims,
    }),
    guard: <T>(work: Promise<T>): Promise<T> => watch.race(work),
  };
  return {
    backend: 'webgpu',
    adapter: summary.adapter,
    hasFp16: device.features.has('shader-f16'),
    compute,
    async openGraph(model, use) {
      const open = async (more: InferenceSession.SessionOptions): Promise<Graph<GPUBuffer>> => {
        const all = { ...options, freeDimensionOverrides: use?.axes ?? {}, ...more };
        return wrapSession(
          await watch.race(ort.InferenceSession.create(new Uint8Array(model), all)),
          binding,
        );
      };
      if (use?.changing === undefined || !replay) return open({});
      try {
        return replaying(await open({ enableGraphCapture: true }), use.changing, device, compute);
      } catch {
        // Graphs with an operator that only the processor has cannot be recorded.
        watch.check();
        return open({});
      }
    },
    check: () => watch.check(),
    get failed() {
      return watch.failure !== undefined;
    },
    settle: () => watch.race(device.queue.onSubmittedWorkDone()),
    async dispose() {
      watch.end();
      compute.dispose();
      device.destroy();
    },
  };
}

export async function openWasm(ort: OrtModule): Promise<Runtime<CpuData>> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: ERRORS_ONLY,
    // Its threads would wait busily for the next run, while the rest of an edit needs the cores.
    extra: { session: { force_spinning_stop: '1' } },
  };
  const binding = {
    wrap(tensor: Tensor<CpuData>): OrtTensor {
      if (!(tensor.data instanceof Float32Array)) throw new Error('the WASM graphs take f32 tensors only');
      return new ort.Tensor('float32', tensor.data, tensor.dims);
    },
    unwrap(tensor: OrtTensor): Tensor<CpuData> {
      if (!(tensor.data instanceof Float32Array)) throw new Error(`the graph returned ${tensor.type}`);
      return { data: new Float32Array(tensor.data), type: 'float32', dims: tensor.dims };
    },
    guard: <T>(work: Promise<T>): Promise<T> => work,
  };
  const openGraph = async (model: ArrayBuffer, use?: GraphUse): Promise<Graph<CpuData>> => {
    const all = { ...options, freeDimensionOverrides: use?.axes ?? {} };
    return wrapSession(await ort.InferenceSession.create(new Uint8Array(model), all), binding);
  };
  const { dispose, ...products } = ortProducts(openGraph);
  const threads = threadCount();
  const helpers = threads === 1 ? undefined : startHelpers(threads - 1);
  const compute = { ...createCpuCompute(helpers), ...products };
  return {
    backend: 'wasm',
    adapter: threads === 1 ? 'CPU, 1 thread' : `CPU, ${threads} threads`,
    hasFp16: false,
    compute,
    openGraph,
    check: () => undefined,
    failed: false,
    settle: async () => undefined,
    async dispose() {
      await dispose();
      compute.dispose();
    },
  };
}

/** Calls `use` with the runtime of the chosen backend; generic, since the two have different data. */
export async function withRuntime<T>(
  choice: Choice,
  use: <Data>(runtime: Runtime<Data>) => Promise<T>,
): Promise<T> {
  const ort = await loadOrt(choice.backend);
  return choice.backend === 'webgpu' ? use(await openWebGpu(ort, choice.own)) : use(await openWasm(ort));
}
