/**
 * The merge's speed beside a plain buffer copy, on the same device in the same run
 * (docs/performance.md): `npm run bench:merge`.
 *
 * The shapes are the studio pack's, from its manifest. Copy, merge and the update of one element take
 * turns, so that whatever else the machine does hits all three; medians of the wall clock. The copy
 * moves as many bytes as the merge has to: base, A and B read once, the merged weights written once.
 */
import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { parseManifest } from '../../pack/manifest';
import type { MergeTarget, Tensor } from '../compute';
import { bytesOf } from '../gpu/buffers';
import { count } from '../shapes';
import { createWebGpuCompute } from '../webgpu';
import { openDevices } from './device';
import { uniform } from './parity';

const ROUNDS = 5;

const { targets: shapes, basis } = parseManifest(readFileSync('public/packs/studio/manifest.json', 'utf8'));
const { elements, rank } = basis;
const devices = await openDevices();
afterAll(() => devices.forEach(({ close }) => close()));

function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)];
}

/** Median milliseconds of each work, in turns, after one round to warm up. */
async function inTurns<Name extends string>(
  device: GPUDevice,
  works: Readonly<Record<Name, () => void>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of names) {
      const start = performance.now();
      works[name]();
      await device.queue.onSubmittedWorkDone();
      if (round > 0) times[name].push(performance.now() - start);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<Name, number>;
}

it.each(devices.flatMap((opened) => opened.types.map((type) => ({ ...opened, type }))))(
  'merge on $name in $type',
  async ({ device, info, type, check }) => {
    const compute = createWebGpuCompute(device);
    const filled = (dims: readonly number[], seed: number): Tensor<GPUBuffer> => {
      const exact = compute.upload(uniform(seed, count(dims), -0.1, 0.1), dims, 'bench');
      const cast = compute.cast(exact, type);
      compute.release(exact);
      return cast;
    };
    const targets = shapes.map((target, l): MergeTarget<GPUBuffer> => ({
      base: filled([target.in, target.out], 3 * l),
      a: filled([elements, target.in, rank], 3 * l + 1),
      b: filled([elements, rank, target.out], 3 * l + 2),
      merged: compute.allocate(type, [target.in, target.out], 'bench'),
    }));
    const sum = (of: (target: MergeTarget<GPUBuffer>) => number): number =>
      targets.reduce((total, target) => total + of(target), 0);
    const size = ({ dims }: Tensor<GPUBuffer>): number => bytesOf(type, dims);
    const read = sum(({ base, a, b }) => size(base) + size(a) + size(b));
    const written = sum(({ merged }) => size(merged));
    const multiplyAdds = sum(({ base }) => base.dims[0] * base.dims[1] * elements * rank);
    const factors = sum(({ a, b }) => (size(a) + size(b)) / elements);

    // A copy reads and writes, so half the bytes go each way.
    const half = Math.ceil((read + written) / 2 / 4) * 4;
    const [from, to] = [1, 2].map(() => compute.allocate('float32', [half / 4], 'bench'));
    const coefficients = uniform(1, targets.length * elements);
    const delta = new Float32Array(targets.length).fill(0.1);
    const { copy, merge, element } = await inTurns(device, {
      copy: () => {
        const encoder = device.createCommandEncoder({ label: 'copy' });
        encoder.copyBufferToBuffer(from.data, 0, to.data, 0, half);
        device.queue.submit([encoder.finish({ label: 'copy' })]);
      },
      merge: () => compute.merge(targets, coefficients, elements, 1),
      element: () => compute.mergeElement(targets, 3, delta, 1),
    });
    await check();
    compute.dispose();

    const bytes = read + written;
    const elementBytes = 2 * written + factors;
    const megabytes = (moved: number): string => `${(moved / 1e6).toFixed(1)} MB`;
    const rate = (moved: number, ms: number): string => `${(moved / ms / 1e6).toFixed(2)} GB/s`;
    const share = (moved: number, ms: number): string =>
      `${rate(moved, ms)}, ${((100 * (moved / ms)) / (bytes / copy)).toFixed(1)} % of the copy's speed`;
    console.log(
      [
        `${info.vendor} ${info.architecture} ${info.description}, ${type}`,
        `${targets.length} targets, ${elements} elements of rank ${rank}`,
        `merge reads ${megabytes(read)}, writes ${megabytes(written)}, ${(multiplyAdds / 1e6).toFixed(0)} M multiply-adds`,
        `copy of as many bytes  ${copy.toFixed(2)} ms, ${rate(bytes, copy)}`,
        `merge                  ${merge.toFixed(2)} ms, ${share(bytes, merge)}`,
        `one element            ${element.toFixed(2)} ms, ${share(elementBytes, element)} (${megabytes(elementBytes)})`,
      ].join('\n'),
    );
    expect(merge).toBeGreaterThan(0);
  },
  600_000,
);
