/**
 * The merge beside other ways to make the same weights, all on one device in one run, with random
 * weights in given shapes: our kernel, ONNX Runtime's graph of the same sum, one dispatch per basis
 * element, a plain copy of as many bytes, and on the processor our TypeScript and ORT's WASM.
 */
import { Arena } from '../engine/arena';
import { addTerms, termsOf } from '../engine/compute/reference/merge';
import type { MergeTarget, Tensor } from '../engine/compute/compute';
import type { CpuData } from '../engine/compute/cpu';
import { narrowHalf } from '../engine/compute/half';
import { bytesOf } from '../engine/compute/gpu/buffers';
import type { Graph } from '../engine/graph';
import { gaussianNoise } from '../engine/noise';
import type { Runtime } from '../engine/runtime';
import { onnxModel, type ElementType, type OnnxGraph } from '../engine/onnx';
import { rowsOf, WAYS, type Growth, type MergeResult } from './results';
import { inTurns, type Turns, type Work } from './turns';

/** A layer's inputs and outputs. */
export interface Shape {
  readonly in: number;
  readonly out: number;
}

/** Where the works run. */
export interface Bed {
  readonly device: GPUDevice;
  readonly runtime: Runtime<GPUBuffer>;
  /** ORT on the processor; without it nothing is measured there. */
  readonly wasm: Runtime<CpuData> | undefined;
  readonly type: ElementType;
}

const PATTERN = 1 << 16;
/** More rows than a workgroup makes. */
const ROWS_COMPARED = 100;

/** Normal numbers times 0.1, the same 65,536 again and again: what they are does not matter for time. */
export function numbers(length: number, seed: number): Float32Array<ArrayBuffer> {
  const pattern = gaussianNoise(seed, Math.min(length, PATTERN)).map((value) => value / 10);
  const out = new Float32Array(length);
  for (let at = 0; at < length; at += PATTERN) out.set(pattern.subarray(0, length - at), at);
  return out;
}

/** Makes tensors of one type, which the arena owns. */
export function maker<Data>(
  { compute }: Pick<Runtime<Data>, 'compute'>,
  arena: Arena<Data>,
): (type: ElementType, values: Float32Array, dims: readonly number[]) => Tensor<Data> {
  return (type, values, dims) => {
    const exact = arena.keep(compute.upload(values, dims, 'bench'));
    if (type === 'float32') return exact;
    const cast = arena.keep(compute.cast(exact, type));
    arena.release(exact);
    return cast;
  };
}

/** `[N, in, r]` to `[in, N·r]`: the layout that a matrix product wants. */
function wide(a: Float32Array, elements: number, inputs: number, rank: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(a.length);
  for (let n = 0; n < elements; n += 1)
    for (let i = 0; i < inputs; i += 1)
      for (let k = 0; k < rank; k += 1) out[(i * elements + n) * rank + k] = a[(n * inputs + i) * rank + k];
  return out;
}

/** merged_l = base_l + (a_l ∘ c_l)·b_l for every target, with the coefficients repeated for each rank. */
function mergeGraph(shapes: readonly Shape[], columns: number, type: ElementType): OnnxGraph {
  return {
    type,
    inputs: shapes.flatMap((shape, l) => [
      { name: `base${l}`, dims: [shape.in, shape.out] },
      { name: `a${l}`, dims: [shape.in, columns] },
      { name: `c${l}`, dims: [columns] },
      { name: `b${l}`, dims: [columns, shape.out] },
    ]),
    outputs: shapes.map((shape, l) => ({ name: `merged${l}`, dims: [shape.in, shape.out] })),
    nodes: shapes.flatMap((_, l) => [
      { op: 'Mul', inputs: [`a${l}`, `c${l}`], output: `ac${l}` },
      { op: 'MatMul', inputs: [`ac${l}`, `b${l}`], output: `sum${l}` },
      { op: 'Add', inputs: [`base${l}`, `sum${l}`], output: `merged${l}` },
    ]),
  };
}

export interface Factors {
  readonly base: Float32Array<ArrayBuffer>;
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
}

export function factorsOf(shape: Shape, elements: number, rank: number, seed: number): Factors {
  return {
    base: numbers(shape.in * shape.out, seed),
    a: numbers(elements * shape.in * rank, seed + 1),
    b: numbers(elements * rank * shape.out, seed + 2),
  };
}

/** As a model has them: what the merge reads lies together. */
export function targetsOf<Data>(
  { compute }: Pick<Runtime<Data>, 'compute'>,
  type: ElementType,
  arena: Arena<Data>,
  shapes: readonly Shape[],
  factors: readonly Factors[],
  elements: number,
  rank: number,
): MergeTarget<Data>[] {
  const together = (part: keyof Factors, dims: (shape: Shape) => readonly number[]): Tensor<Data>[] => {
    const tensors = compute.allocateTogether(type, shapes.map(dims), 'bench');
    tensors.forEach((tensor, l) => {
      const values = factors[l][part];
      compute.write(arena.keep(tensor), type === 'float16' ? narrowHalf(values) : values);
    });
    return tensors;
  };
  const bases = together('base', (shape) => [shape.in, shape.out]);
  const as = together('a', (shape) => [elements, shape.in, rank]);
  const bs = together('b', (shape) => [elements, rank, shape.out]);
  return shapes.map((shape, l) => ({
    base: bases[l],
    a: as[l],
    b: bs[l],
    merged: arena.keep(compute.allocate(type, [shape.in, shape.out], 'bench')),
  }));
}

/** Runs a graph for its time alone. */
export function runs<Data>(graph: Graph<Data>, feeds: ReadonlyMap<string, Tensor<Data>>): Work {
  return async () => {
    for (const output of (await graph.run(feeds)).values()) output.dispose();
  };
}

/**
 * What is measured at given shapes. `processor`: also the TypeScript and the WASM that do it in f32; `graph`: also
 * ORT's graph on the device.
 */
export async function measureMerge(
  bed: Bed,
  shapes: readonly Shape[],
  {
    elements,
    rank,
    processor,
    graph: withGraph = true,
  }: { elements: number; rank: number; processor: boolean; graph?: boolean },
  turns: Turns,
): Promise<MergeResult> {
  const { device, runtime, wasm, type } = bed;
  const { compute } = runtime;
  const columns = elements * rank;
  const arena = new Arena(compute);
  const make = maker(runtime, arena);
  const factors = shapes.map((shape, l) => factorsOf(shape, elements, rank, 3 * l));
  const targets = targetsOf(runtime, type, arena, shapes, factors, elements, rank);
  const coefficients = numbers(shapes.length * elements, 1);
  const half = coefficients.map((value, i) => (i % 2 === 0 ? value : 0));
  const none = new Float32Array(coefficients.length);
  const ofElement = Array.from({ length: elements }, (_, n) =>
    Float32Array.from(shapes, (_, l) => coefficients[l * elements + n]),
  );

  const size = ({ dims }: Tensor<GPUBuffer>): number => bytesOf(type, dims);
  const bytes = targets.reduce(
    (sum, target) => sum + size(target.base) + size(target.a) + size(target.b) + size(target.merged),
    0,
  );
  const padded = (tensor: Tensor<GPUBuffer>): number => Math.ceil(size(tensor) / 4) * 4;
  const copies = (pairs: readonly (readonly [Tensor<GPUBuffer>, Tensor<GPUBuffer>])[]): void => {
    const encoder = device.createCommandEncoder({ label: 'copy' });
    for (const [from, to] of pairs)
      encoder.copyBufferToBuffer(from.data, bytesOf(from.type, [from.offset ?? 0]), to.data, 0, padded(from));
    device.queue.submit([encoder.finish({ label: 'copy' })]);
  };
  // A copy reads and writes, so half the bytes go each way.
  const [from, to] = [1, 2].map(() =>
    arena.keep(compute.allocate('float32', [Math.ceil(bytes / 8)], 'bench')),
  );

  const laidOut = shapes.map((shape, l) => ({
    a: wide(factors[l].a, elements, shape.in, rank),
    c: Float32Array.from({ length: columns }, (_, j) => coefficients[l * elements + Math.floor(j / rank)]),
  }));
  const feeds = new Map<string, Tensor<GPUBuffer>>();
  // What ORT reads lies in buffers of its own.
  if (withGraph)
    shapes.forEach((shape, l) => {
      feeds.set(`base${l}`, make(type, factors[l].base, [shape.in, shape.out]));
      feeds.set(`a${l}`, make(type, laidOut[l].a, [shape.in, columns]));
      feeds.set(`c${l}`, make(type, laidOut[l].c, [columns]));
      feeds.set(`b${l}`, make(type, factors[l].b, [columns, shape.out]));
    });
  const graph = withGraph
    ? await runtime.openGraph(onnxModel(mergeGraph(shapes, columns, type)).buffer)
    : undefined;
  const works: Record<string, Work> = {
    [WAYS.copy]: () => copies([[from, to]]),
    [WAYS.merge]: () => compute.merge(targets, coefficients, elements, 1),
    [WAYS.half]: () => compute.merge(targets, half, elements, 1),
    [WAYS.none]: () => compute.merge(targets, none, elements, 1),
    [WAYS.element]: () => compute.mergeElement(targets, 0, ofElement[0], 1),
    [WAYS.elements]: () => {
      copies(targets.map(({ base, merged }) => [base, merged]));
      ofElement.forEach((delta, n) => compute.mergeElement(targets, n, delta, 1));
    },
  };
  if (graph !== undefined) works[WAYS.graph] = runs(graph, feeds);

  if (processor && wasm !== undefined) {
    const merged = factors.map(({ base }) => base.slice());
    works[WAYS.typescript] = () => {
      shapes.forEach((shape, l) => {
        merged[l].set(factors[l].base);
        const sizes = { inputs: shape.in, outputs: shape.out, rank };
        addTerms(merged[l], factors[l].a, factors[l].b, sizes, termsOf(coefficients, l, elements, 1));
      });
    };
    const onCpu = targetsOf(wasm, 'float32', new Arena(wasm.compute), shapes, factors, elements, rank);
    works[WAYS.wasm] = () => wasm.compute.merge(onCpu, coefficients, elements, 1);
    works[WAYS.wasmElement] = () => wasm.compute.mergeElement(onCpu, 0, ofElement[0], 1);
  }

  const difference = await largestDifference();
  const times = await inTurns(works, turns);
  runtime.check();
  arena.dispose();
  await graph?.dispose();
  return {
    targets: shapes.length,
    elements,
    rank,
    bytes,
    multiplyAdds: shapes.reduce((sum, shape) => sum + shape.in * shape.out * columns, 0),
    difference,
    rows: rowsOf(times),
  };

  /** What is compared must be the same: our merged weights against others, the last target's. */
  async function largestDifference(): Promise<number> {
    await compute.merge(targets, coefficients, elements, 1);
    const last = shapes.length - 1;
    const ours = await compute.read(targets[last].merged);
    const theirs = await (graph === undefined ? firstRows(last) : outputOf(graph, last));
    return theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i])), 0);
  }

  async function outputOf(of: Graph<GPUBuffer>, target: number): Promise<Float32Array> {
    const outputs = await of.run(feeds);
    const output = outputs.get(`merged${target}`);
    if (output === undefined) throw new Error('the graph returned no weights');
    const values = await compute.read(output.tensor);
    for (const each of outputs.values()) each.dispose();
    return values;
  }

  /** As TypeScript merges them. */
  function firstRows(target: number): Float32Array {
    const { in: inputs, out: outputs } = shapes[target];
    const { base, a, b } = factors[target];
    const sizes = { inputs: Math.min(inputs, ROWS_COMPARED), outputs, rank };
    const length = sizes.inputs * rank;
    const rows = new Float32Array(elements * length);
    for (let n = 0; n < elements; n += 1)
      rows.set(a.subarray(n * inputs * rank).subarray(0, length), n * length);
    const merged = base.slice(0, sizes.inputs * outputs);
    addTerms(merged, rows, b, sizes, termsOf(coefficients, target, elements, 1));
    return merged;
  }
}

/** The merge's time against the number of elements, the rank and the number of targets, all in turns. */
export async function measureGrowth(
  bed: Bed,
  shapes: readonly Shape[],
  { elements, rank }: { elements: number; rank: number },
  turns: Turns,
): Promise<Growth[]> {
  const curves = {
    elements: [1, 4, 16, 32, 64].map((n) => ({ value: n, n, r: rank, of: shapes })),
    rank: [1, 2, 4, 8, 16].map((r) => ({ value: r, n: elements, r, of: shapes })),
    targets: [1, 2, 4].map((share) => {
      const of = shapes.filter((_, l) => l % (4 / share) === 0);
      return { value: of.length, n: elements, r: rank, of };
    }),
  };
  const arena = new Arena(bed.runtime.compute);
  const works: Record<string, Work> = {};
  for (const [name, points] of Object.entries(curves)) {
    for (const { value, n, r, of } of points) {
      const factors = of.map((shape, l) => factorsOf(shape, n, r, 3 * l));
      const targets = targetsOf(bed.runtime, bed.type, arena, of, factors, n, r);
      const coefficients = numbers(of.length * n, 1);
      works[`${name} ${value}`] = () => bed.runtime.compute.merge(targets, coefficients, n, 1);
    }
  }
  const times = await inTurns(works, turns);
  bed.runtime.check();
  arena.dispose();
  return (Object.keys(curves) as (keyof typeof curves)[]).map((name) => ({
    of: name,
    points: curves[name].map(({ value }) => ({ value, ms: times[`${name} ${value}`] })),
  }));
}
