import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { expect, it } from 'vitest';
import { onnxModel, withConstants } from './onnx';

env.wasm.wasmPaths = `${pathToFileURL(join(process.cwd(), 'node_modules/onnxruntime-web/dist')).href}/`;
env.wasm.numThreads = 1;

/** z = x·w + y */
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
const filled = (length: number, of: (i: number) => number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => of(i));
const x = new Tensor(
  'float32',
  filled(600, (i) => (i < 300 ? 1 : 2)),
  [2, 300],
);
const w = filled(300, () => 0.5);
const y = new Tensor('float32', Float32Array.of(0, 10), [2, 1]);

it('writes a graph that ONNX Runtime runs', async () => {
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  const { z } = await session.run({ x, w: new Tensor('float32', w, [300, 1]), y });
  expect([...(z.data as Float32Array)]).toEqual([150, 310]);
  await session.release();
});

it('turns inputs into constants', async () => {
  const constant = { type: 'float32', dims: [300, 1], bytes: new Uint8Array(w.buffer) } as const;
  const session = await InferenceSession.create(withConstants(model, new Map([['w', constant]])), {
    executionProviders: ['wasm'],
  });
  expect(session.inputNames).toEqual(['x', 'y']);
  const { z } = await session.run({ x, y });
  expect([...(z.data as Float32Array)]).toEqual([150, 310]);
  await session.release();
});
