/** A pack of a few kilobytes in memory, valid in every respect but that its graphs are no graphs. */
import type { Manifest } from '../pack/manifest';

export interface TestTensor {
  readonly dtype: 'F16' | 'F32';
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function f32(shape: readonly number[], value: (index: number) => number = () => 0): TestTensor {
  const count = shape.reduce((product, side) => product * side, 1);
  const values = Float32Array.from({ length: count }, (_, index) => value(index));
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer) };
}

/** Header length, header and data, as they are; for files that are wrong on purpose. */
export function rawSafetensors(
  header: unknown,
  data: Uint8Array = new Uint8Array(),
  length?: number,
): ArrayBuffer {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out.buffer;
}

export function safetensors(tensors: Readonly<Record<string, TestTensor>>): ArrayBuffer {
  const header: Record<string, unknown> = { __metadata__: { made: 'by a test' } };
  let at = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const data = new Uint8Array(at);
  at = 0;
  for (const tensor of Object.values(tensors)) {
    data.set(tensor.data, at);
    at += tensor.data.length;
  }
  return rawSafetensors(header, data);
}

async function sha256(data: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One target of 4 → 8, two elements of rank 1, images of 32 × 32, two features. */
export async function tinyPack(): Promise<{ manifest: Manifest; files: Map<string, ArrayBuffer> }> {
  const files = new Map<string, ArrayBuffer>([
    ['encoder.fp32.onnx', new Uint8Array([1, 2, 3]).buffer],
    ['denoiser.fp32.onnx', new Uint8Array([4, 5, 6, 7]).buffer],
    ['encoder.safetensors', safetensors({ 'conv.weight': f32([2, 3], (i) => i / 10) })],
    ['denoiser.safetensors', safetensors({ 'mix.weight': f32([4, 8], (i) => i), 'mix.bias': f32([8]) })],
    [
      'basis.safetensors',
      safetensors({
        keys: f32([1, 2, 3], (i) => i - 2),
        query: f32([1, 3, 6], (i) => (i % 5) - 2),
        'mix.A': f32([2, 4, 1], () => 1),
        'mix.B': f32([2, 1, 8], (i) => (i < 8 ? 1 : 10)),
      }),
    ],
  ]);
  const listed: Manifest['files'] = [];
  for (const [path, data] of files) listed.push({ path, size: data.byteLength, sha256: await sha256(data) });
  const manifest: Manifest = {
    format: 'likewise-pack/1',
    id: 'tiny',
    name: 'Tiny',
    version: '0.0.1',
    licence: 'MIT',
    attribution: 'A test',
    files: listed,
    image: { size: 32 },
    encoder: {
      graphs: { fp32: 'encoder.fp32.onnx' },
      weights: 'encoder.safetensors',
      inputs: { images: 'images' },
      outputs: { features: 'features' },
      features: 2,
      query: "cat-aa'b",
    },
    denoiser: {
      graphs: { fp32: 'denoiser.fp32.onnx' },
      weights: 'denoiser.safetensors',
      inputs: { x: 'x', target: 'target', pairs: 'pairs', t: 't' },
      outputs: { grid: 'grid', maps: 'maps' },
      patch: 16,
    },
    targets: [{ name: 'mix', in: 4, out: 8, layout: 'in,out', input: 'mix.weight' }],
    basis: {
      weights: 'basis.safetensors',
      elements: 2,
      rank: 1,
      keyDim: 3,
      activation: 'softmax',
      scale: 1,
      elementNames: ['bright', null],
    },
    sampler: { prediction: 'x', schedule: 'linear', steps: 3 },
    head: { kind: 'anchored/1' },
  };
  return { manifest, files };
}
