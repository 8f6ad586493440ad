/**
 * The merge on the processor by ONNX Runtime, one Gemm a target: SIMD and threads that TypeScript has not.
 * It agrees with reference/merge.ts, which stays the definition.
 */
import type { Graph } from '../graph';
import { onnxModel } from '../onnx';
import type { Compute, MergeTarget, Tensor } from './compute';
import { floats, type CpuData } from './cpu';
import { termsOf, type Term } from './reference/merge';
import { targetShape } from './shapes';

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

/** `merge` and `mergeElement` of `Compute`, to be called one at a time; the graph opens with the first call. */
export function ortMerge(
  open: (model: ArrayBuffer) => Promise<Graph<CpuData>>,
): Pick<Compute<CpuData>, 'merge' | 'mergeElement'> & { dispose(): Promise<void> } {
  let opening: Promise<Graph<CpuData>> | undefined;

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
    opening ??= open(GEMM.buffer);
    const graph = await opening;
    const columns = terms.length * rank;
    const tensor = (data: CpuData, dims: readonly number[]): Tensor<CpuData> => ({
      data,
      type: 'float32',
      dims,
    });
    const results = await graph.run(
      new Map([
        ['left', tensor(scaledColumns(floats(target.a), inputs, rank, terms), [inputs, columns])],
        ['right', tensor(rows(floats(target.b), outputs, rank, terms), [columns, outputs])],
        ['start', tensor(start.data, [inputs, outputs])],
      ]),
    );
    const result = results.get('merged');
    if (result === undefined) throw new Error('the product returned nothing');
    merged.set(floats(result.tensor));
    result.dispose();
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
    dispose: async () => (await opening)?.dispose(),
  };
}
