/**
 * The merge's speed beside a plain buffer copy, same device and same run (docs/performance.md).
 *
 * The studio pack's shapes: six blocks of width 192, basis of 32 elements of rank 4. Both are timed
 * by the wall clock over several submissions, after a warm-up; the copy moves as many bytes as the
 * merge has to: base, A and B read once, the merged weights written once.
 */
import { expect, it } from 'vitest';
import type { MergeTarget, Tensor } from '../compute';
import { createWebGpuCompute } from '../webgpu';
import { bytesOf } from '../gpu/buffers';
import { openDevices } from './device';
import { uniform } from './parity';

const BLOCKS = 6;
const ELEMENTS = 32;
const RANK = 4;
const LAYERS = [
  [192, 576],
  [192, 192],
  [192, 768],
  [768, 192],
  [192, 1152],
] as const;
const ROUNDS = 5;

const devices = await openDevices();

async function milliseconds(device: GPUDevice, work: () => void): Promise<number> {
  work();
  await device.queue.onSubmittedWorkDone();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    work();
    await device.queue.onSubmittedWorkDone();
    times.push(performance.now() - start);
  }
  return times.toSorted((x, y) => x - y)[Math.floor(ROUNDS / 2)];
}

it.each(devices.flatMap((opened) => opened.types.map((type) => ({ ...opened, type }))))(
  'merge on $name in $type',
  async ({ device, info, type, check }) => {
    const compute = createWebGpuCompute(device);
    const tensor = (dims: readonly number[]): Tensor<GPUBuffer> => compute.allocate(type, dims, 'bench');
    const targets: MergeTarget<GPUBuffer>[] = Array.from({ length: BLOCKS }, () => LAYERS)
      .flat()
      .map(([inputs, outputs]) => ({
        base: tensor([inputs, outputs]),
        a: tensor([ELEMENTS, inputs, RANK]),
        b: tensor([ELEMENTS, RANK, outputs]),
        merged: tensor([inputs, outputs]),
      }));
    const bytes = targets
      .flatMap((target) => Object.values(target) as Tensor<GPUBuffer>[])
      .reduce((sum, { dims }) => sum + bytesOf(type, dims), 0);
    const multiplyAdds = targets.reduce(
      (sum, { base }) => sum + base.dims[0] * base.dims[1] * ELEMENTS * RANK,
      0,
    );

    // A copy reads and writes, so half the bytes go each way.
    const half = Math.floor(bytes / 2 / 16) * 16;
    const [from, to] = [tensor([half / 2]), tensor([half / 2])];
    const coefficients = uniform(1, targets.length * ELEMENTS);
    const delta = new Float32Array(targets.length).fill(0.1);
    const copy = await milliseconds(device, () => {
      const encoder = device.createCommandEncoder({ label: 'copy' });
      encoder.copyBufferToBuffer(from.data, 0, to.data, 0, half);
      device.queue.submit([encoder.finish()]);
    });
    const merge = await milliseconds(device, () => compute.merge(targets, coefficients, ELEMENTS, 1));
    const element = await milliseconds(device, () => compute.mergeElement(targets, 3, delta, 1));
    await check();
    compute.dispose();

    const rate = (ms: number): string => `${(bytes / ms / 1e6).toFixed(2)} GB/s`;
    console.log(
      [
        `${info.vendor} ${info.architecture} ${info.description}, ${type}, ${targets.length} targets`,
        `merge moves ${(bytes / 1e6).toFixed(1)} MB and takes ${(multiplyAdds / 1e6).toFixed(0)} M multiply-adds`,
        `copy of as many bytes ${copy.toFixed(2)} ms, ${rate(copy)}`,
        `merge ${merge.toFixed(2)} ms, ${rate(merge)}: ${((100 * copy) / merge).toFixed(1)} % of the copy's speed`,
        `one element ${element.toFixed(2)} ms`,
      ].join('\n'),
    );
    expect(merge).toBeGreaterThan(0);
  },
);
