/**
 * Graphs whose commands ONNX Runtime records in the first run and replays from then on. Without that the
 * processor needs longer to ask for a step than a graphics card to make it (docs/performance.md, "One step").
 */
import { Arena } from './arena';
import type { Compute, Tensor } from './compute/compute';
import { bytesOf } from './compute/gpu/buffers';
import type { Graph } from './graph';

type GpuTensor = Tensor<GPUBuffer>;

/**
 * A session that records (`enableGraphCapture`) as a graph like any other. What it records are buffers, so
 * inputs in `changing` are copied into buffers that stay, and outputs out of those that ORT writes again.
 */
export function replaying(
  graph: Graph<GPUBuffer>,
  changing: readonly string[],
  device: GPUDevice,
  compute: Pick<Compute<GPUBuffer>, 'cast' | 'release'>,
): Graph<GPUBuffer> {
  const own = new Arena(compute);
  const recorded = new Map<string, GpuTensor>();

  function first(name: string, tensor: GpuTensor): GpuTensor {
    const stays = changing.includes(name) ? own.keep(compute.cast(tensor, tensor.type)) : tensor;
    recorded.set(name, stays);
    return stays;
  }

  /** What was recorded of an input, after `encoder` has given it this one's values. */
  function again(name: string, tensor: GpuTensor, before: GpuTensor, encoder: GPUCommandEncoder): GpuTensor {
    const bytes = bytesOf(tensor.type, tensor.dims);
    if (bytes !== bytesOf(before.type, before.dims)) throw new Error(`${name} has another size than before`);
    if (tensor.data === before.data) return before;
    if (!changing.includes(name)) throw new Error(`${name} is in another buffer than before`);
    encoder.copyBufferToBuffer(tensor.data, 0, before.data, 0, Math.ceil(bytes / 4) * 4);
    return before;
  }

  return {
    inputNames: graph.inputNames,
    outputNames: graph.outputNames,
    recorded: true,
    async run(feeds) {
      const encoder = device.createCommandEncoder({ label: 'inputs' });
      const placed = [...feeds].map(([name, tensor]) => {
        const before = recorded.get(name);
        const stays = before === undefined ? first(name, tensor) : again(name, tensor, before, encoder);
        return [name, stays] as const;
      });
      device.queue.submit([encoder.finish()]);
      const outputs = await graph.run(new Map(placed));
      return new Map(
        [...outputs].map(([name, output]) => {
          const tensor = compute.cast(output.tensor, output.tensor.type);
          output.dispose();
          return [name, { tensor, dispose: () => compute.release(tensor) }];
        }),
      );
    },
    async dispose() {
      await graph.dispose();
      own.dispose();
    },
  };
}
