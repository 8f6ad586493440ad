import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadOrt } from '../ort';
import { openWasm } from '../runtime';
import { furnish } from '../testing/node';
import type { Compute, MergeTarget } from './compute';
import { createCpuCompute, type CpuData } from './cpu';
import { close, picture, uniform } from './testing/parity';

furnish(mkdtempSync(join(tmpdir(), 'merge-')));

const SHAPES = [
  { inputs: 48, outputs: 20, rank: 4 },
  { inputs: 5, outputs: 64, rank: 3 },
];
const ELEMENTS = 6;

function targets(
  compute: Pick<ReturnType<typeof createCpuCompute>, 'upload' | 'allocate'>,
): MergeTarget<CpuData>[] {
  return SHAPES.map(({ inputs, outputs, rank }, l) => ({
    base: compute.upload(uniform(3 * l, inputs * outputs, -1, 1), [inputs, outputs], 'base'),
    a: compute.upload(uniform(3 * l + 1, ELEMENTS * inputs * rank, -1, 1), [ELEMENTS, inputs, rank], 'a'),
    b: compute.upload(uniform(3 * l + 2, ELEMENTS * rank * outputs, -1, 1), [ELEMENTS, rank, outputs], 'b'),
    merged: compute.allocate('float32', [inputs, outputs], 'merged'),
  }));
}

it('merges on the processor as the reference does, wholly and one element at a time', async () => {
  const runtime = await openWasm(await loadOrt('wasm'));
  const reference = createCpuCompute();
  const [actual, expected] = [targets(runtime.compute), targets(reference)];
  const same = async (): Promise<void> => {
    for (const [l, { merged }] of actual.entries())
      close(await runtime.compute.read(merged), await reference.read(expected[l].merged), 1e-5);
  };
  const all = uniform(20, SHAPES.length * ELEMENTS, -1, 1);
  const some = all.map((value, i) => (i % 3 === 0 ? value : 0));
  const none = new Float32Array(all.length);
  for (const coefficients of [all, some, none]) {
    await runtime.compute.merge(actual, coefficients, ELEMENTS, 0.7);
    await reference.merge(expected, coefficients, ELEMENTS, 0.7);
    await same();
    const delta = Float32Array.of(0, 0.5);
    await runtime.compute.mergeElement(actual, 4, delta, 0.7);
    await reference.mergeElement(expected, 4, delta, 0.7);
    await same();
  }
  expect(await runtime.compute.read(actual[1].merged)).not.toEqual(
    await runtime.compute.read(actual[1].base),
  );
  await runtime.dispose();
});

it.each([64, 23])('has the reference’s Gram matrices at %i', async (size) => {
  const runtime = await openWasm(await loadOrt('wasm'));
  const reference = createCpuCompute();
  const gram = (compute: Compute<CpuData>): Promise<Float32Array> => {
    const [a, a2, prepared] = [1, 2, 3].map((seed) =>
      compute.upload(picture(seed, size), [3, size, size], 'picture'),
    );
    return compute.anchorGram(a, a2, compute.fields(prepared));
  };
  // Sums of numbers of both signs are small beside what they are sums of.
  close(await gram(runtime.compute), await gram(reference), 2e-5);
  await runtime.dispose();
});
