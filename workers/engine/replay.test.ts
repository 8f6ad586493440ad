/** Recorded graphs on a real device, through the whole runtime. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Tensor } from './compute/compute';
import { adapterNamesHere } from './compute/testing/dawn';
import type { Graph } from './graph';
import { onnxModel } from './onnx';
import { loadOrt } from './ort';
import { openWebGpu, type Runtime } from './runtime';
import { chooseInNode, furnish } from './testing/node';

const folder = mkdtempSync(join(tmpdir(), 'likewise-replay-'));
let runtime: Runtime<GPUBuffer>;

beforeAll(async () => {
  furnish(folder);
  const [name] = await adapterNamesHere();
  const choice = await chooseInNode({ backend: 'webgpu', adapter: name });
  if (choice.backend === 'wasm') throw new Error(`${name} was not opened`);
  runtime = await openWebGpu(await loadOrt('webgpu'), choice.own, true);
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(folder, { recursive: true });
});

const upload = (values: readonly number[], dims: readonly number[]): Tensor<GPUBuffer> =>
  runtime.compute.upload(Float32Array.from(values), dims, 'test');

/** x · weight, x of `rows` × 2, and an operator after it. */
function product(rows: number, then?: string): Promise<Graph<GPUBuffer>> {
  const model = onnxModel({
    type: 'float32',
    inputs: [
      { name: 'x', dims: ['rows', 2] },
      { name: 'weight', dims: [2, 2] },
    ],
    outputs: [{ name: 'y', dims: ['rows', 2] }],
    nodes: [
      { op: 'MatMul', inputs: ['x', 'weight'], output: 'product' },
      { op: then ?? 'Identity', inputs: ['product'], output: 'y' },
    ],
  });
  return runtime.openGraph(model.buffer, { axes: { rows }, changing: ['x'] });
}

async function run(
  graph: Graph<GPUBuffer>,
  x: Tensor<GPUBuffer>,
  weight: Tensor<GPUBuffer>,
): Promise<number[]> {
  const y = (await graph.run(new Map([['x', x], ['weight', weight]]))).get('y'); // prettier-ignore
  if (y === undefined) throw new Error('no y');
  const values = await runtime.compute.read(y.tensor);
  y.dispose();
  return [...values];
}

it('are given new inputs and weights, two of them in turns', async () => {
  const weight = upload([1, 2, 3, 4], [2, 2]);
  const [one, two] = [await product(1), await product(2)];
  for (const k of [1, 5, 9]) {
    const x = upload([k, 1], [1, 2]);
    expect(await run(one, x, weight)).toEqual([k + 3, 2 * k + 4]);
    // As a pool does it: the next input has the buffer of another one.
    runtime.compute.release(x);
    const wide = upload([1, 0, k, 1], [2, 2]);
    expect(await run(two, wide, weight)).toEqual([1, 2, k + 3, 2 * k + 4]);
    runtime.compute.release(wide);
  }
  const twice = upload([2, 4, 6, 8], [2, 2]);
  const target = { base: twice, a: upload([0, 0], [1, 2, 1]), b: upload([0, 0], [1, 1, 2]), merged: weight };
  await runtime.compute.merge([target], Float32Array.of(0), 1, 1);
  expect(await run(one, upload([1, 1], [1, 2]), weight)).toEqual([8, 12]);
  await expect(run(one, upload([1, 1], [1, 2]), twice)).rejects.toThrow('weight is in another buffer');
  await one.dispose();
  await two.dispose();
});

it('give outputs that the next run leaves alone', async () => {
  const weight = upload([1, 0, 0, 1], [2, 2]);
  const graph = await product(1);
  const first = await graph.run(new Map([['x', upload([1, 2], [1, 2])], ['weight', weight]])); // prettier-ignore
  await run(graph, upload([3, 4], [1, 2]), weight);
  const kept = first.get('y');
  expect(kept && [...(await runtime.compute.read(kept.tensor))]).toEqual([1, 2]);
  await graph.dispose();
});

it('are run as they are when an operator of theirs cannot be recorded', async () => {
  const weight = upload([1, 2, 3, 4], [2, 2]);
  // The processor computes it: the device has no kernel for it.
  const graph = await product(1, 'Hardmax');
  for (const x of [1, 2]) expect(await run(graph, upload([x, x], [1, 2]), weight)).toEqual([0, 1]);
  await graph.dispose();
});
