import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { expect, it } from 'vitest';
import { onnxModel } from './onnx';

it('writes a graph that ONNX Runtime runs', async () => {
  env.wasm.wasmPaths = `${pathToFileURL(join(process.cwd(), 'node_modules/onnxruntime-web/dist')).href}/`;
  env.wasm.numThreads = 1;
  const model = onnxModel({
    type: 'float32',
    inputs: [
      { name: 'x', dims: [2, 300] },
      { name: 'w', dims: [300, 1] },
      { name: 'y', dims: [2, 1] },
    ],
    outputs: [{ name: 'z', dims: [2, 1] }],
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], output: 'xw' },
      { op: 'Add', inputs: ['xw', 'y'], output: 'z' },
    ],
  });
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  const of = (dims: readonly number[], value: (i: number) => number): Tensor => {
    const length = dims.reduce((product, each) => product * each, 1);
    return new Tensor(
      'float32',
      Float32Array.from({ length }, (_, i) => value(i)),
      dims,
    );
  };
  const { z } = await session.run({
    x: of([2, 300], (i) => (i < 300 ? 1 : 2)),
    w: of([300, 1], () => 0.5),
    y: of([2, 1], (i) => 10 * i),
  });
  expect([...(z.data as Float32Array)]).toEqual([150, 310]);
  await session.release();
});
