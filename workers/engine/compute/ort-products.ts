/**
 * The large products on the processor by ONNX Runtime, which has SIMD and threads and TypeScript has not: the
 * merge, one Gemm a target, and the anchor's Gram matrices. The reference stays their definition.
 */
import type { Graph } from '../graph';
import { onnxModel } from '../onnx';
import type { Compute, MergeTarget, Tensor } from './compute';
import { floats, type CpuData } from './cpu';
import { blockColumns } from './reference/anchor';
import { termsOf, type Term } from './reference/merge';
import { sideOf, targetShape } from './shapes';

/** merged = left · right + start, of any sizes. */
const GEMM = onnxModel({
  type: 'float32',
  inputs: [
    { name: 'left', dims: ['in', 'columns'] },
    { name: 'right', dims: ['columns', 'out'] },
    { name: 'start', dims: ['in', 'out'] },
  ],
  outputs: [{ name: 'merged', dims: ['in', 'out'] }],
  nodes: [{ op: 'Gemm', inputs: ['left', 'right', 'start'], output: 'merged' }],
});

/** For each block, the products of its columns. */
const GRAM = onnxModel({
  type: 'float32',
  inputs: [{ name: 'columns', dims: ['blocks', 'columns', 'pixels'] }],
  outputs: [{ name: 'gram', dims: ['blocks', 'columns', 'columns'] }],
  nodes: [{ op: 'Einsum', inputs: ['columns', 'columns'], output: 'gram', equation: 'bip,bjp->bij' }],
});

function tensor(data: CpuData, dims: readonly number[]): Tensor<CpuData> {
  return { data, type: 'float32', dims };
}

/** The terms' A, each times its factor, side by side: `[in, columns]` of `[N, in, r]`. */
function scaledColumns(
  a: Float32Array,
  inputs: number,
  rank: number,
  terms: readonly Term[],
): Float32Array<ArrayBuffer> {
  const columns = terms.length * rank;
  const out = new Float32Array(inputs * columns);
  terms.forEach(({ element, factor }, n) => {
    for (let i = 0; i < inputs; i++) {
      const from = (element * inputs + i) * rank;
      const to = i * columns + n * rank;
      for (let k = 0; k < rank; k++) out[to + k] = factor * a[from + k];
    }
  });
  return out;
}

/** The terms' B one below the other, `[columns, out]` of `[N, r, out]`; all of them need no copy. */
function rows(
  b: Float32Array<ArrayBuffer>,
  outputs: number,
  rank: number,
  terms: readonly Term[],
): Float32Array<ArrayBuffer> {
  const length = rank * outputs;
  if (terms.length * length === b.length) return b;
  const out = new Float32Array(terms.length * length);
  terms.forEach(({ element }, n) =>
    out.set(b.subarray(element * length, (element + 1) * length), n * length),
  );
  return out;
}

/** Some of `Compute`, to be called one at a time; each graph opens with its first call. */
export function ortProducts(
  open: (model: ArrayBuffer) => Promise<Graph<CpuData>>,
): Pick<Compute<CpuData>, 'merge' | 'mergeElement' | 'anchorGram'> & { dispose(): Promise<void> } {
  const graphs = new Map<ArrayBuffer, Promise<Graph<CpuData>>>();

  /** The one output of a graph. */
  async function product(
    { buffer }: { readonly buffer: ArrayBuffer },
    feeds: Readonly<Record<string, Tensor<CpuData>>>,
  ): Promise<Float32Array<ArrayBuffer>> {
    const opening = graphs.get(buffer) ?? open(buffer);
    graphs.set(buffer, opening);
    const graph = await opening;
    const [result] = (await graph.run(new Map(Object.entries(feeds)))).values();
    result.dispose();
    return floats(result.tensor);
  }

  /** target.merged = start + Σ of the terms. */
  async function sum(
    target: MergeTarget<CpuData>,
    start: Tensor<CpuData>,
    terms: readonly Term[],
  ): Promise<void> {
    const { inputs, outputs, rank } = targetShape(target);
    const merged = floats(target.merged);
    if (terms.length === 0) {
      if (start !== target.merged) merged.set(floats(start));
      return;
    }
    const columns = terms.length * rank;
    const left = tensor(scaledColumns(floats(target.a), inputs, rank, terms), [inputs, columns]);
    const right = tensor(rows(floats(target.b), outputs, rank, terms), [columns, outputs]);
    merged.set(await product(GEMM, { left, right, start: tensor(start.data, [inputs, outputs]) }));
  }

  return {
    async merge(targets, coefficients, elements, scale) {
      for (const [l, target] of targets.entries())
        await sum(target, target.base, termsOf(coefficients, l, elements, scale));
    },
    async mergeElement(targets, element, delta, scale) {
      for (const [l, target] of targets.entries())
        await sum(target, target.merged, delta[l] === 0 ? [] : [{ element, factor: delta[l] * scale }]);
    },
    async anchorGram(a, a2, fields) {
      const { data, dims } = blockColumns(floats(a), floats(a2), floats(fields), sideOf(a, 3));
      return product(GRAM, { columns: tensor(data, dims) });
    },
    async dispose() {
      for (const opening of graphs.values()) await (await opening).dispose();
      graphs.clear();
    },
  };
}
