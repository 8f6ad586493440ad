/**
 * Merged against side path: merging once and running plain layers, against Σ c_n (x·A_n)·B_n in
 * every layer at every step, which is how the published method uses its basis.
 */
import { Arena } from '../engine/arena';
import type { Tensor } from '../engine/compute/compute';
import { count } from '../engine/compute/shapes';
import { factorsOf, maker, numbers, runs, targetsOf, type Bed, type Shape } from './merge';
import { onnxModel, type ElementType, type OnnxGraph } from '../engine/onnx';
import type { SidePathPoint } from './results';
import { inTurns, type Turns, type Work } from './turns';

/** A target and how many rows of activations go through it in a step. */
export interface Layer extends Shape {
  readonly tokens: number;
}

/** y_l = x_l·w_l, and with `columns` also + ((x_l·a_l) ∘ c_l)·b_l. */
function layersGraph(layers: readonly Layer[], columns: number, type: ElementType): OnnxGraph {
  return {
    type,
    inputs: layers.flatMap((layer, l) => [
      { name: `x${l}`, dims: [layer.tokens, layer.in] },
      { name: `w${l}`, dims: [layer.in, layer.out] },
      ...(columns === 0
        ? []
        : [
            { name: `a${l}`, dims: [layer.in, columns] },
            { name: `c${l}`, dims: [columns] },
            { name: `b${l}`, dims: [columns, layer.out] },
          ]),
    ]),
    outputs: layers.map((layer, l) => ({ name: `y${l}`, dims: [layer.tokens, layer.out] })),
    nodes: layers.flatMap((_, l) =>
      columns === 0
        ? [{ op: 'MatMul', inputs: [`x${l}`, `w${l}`], output: `y${l}` }]
        : [
            { op: 'MatMul', inputs: [`x${l}`, `w${l}`], output: `plain${l}` },
            { op: 'MatMul', inputs: [`x${l}`, `a${l}`], output: `inner${l}` },
            { op: 'Mul', inputs: [`inner${l}`, `c${l}`], output: `mixed${l}` },
            { op: 'MatMul', inputs: [`mixed${l}`, `b${l}`], output: `side${l}` },
            { op: 'Add', inputs: [`plain${l}`, `side${l}`], output: `y${l}` },
          ],
    ),
  };
}

/** The layers only, as ORT runs them on this device: what is the same both ways is left out. */
export async function measureSidePath(
  bed: Bed,
  layers: readonly Layer[],
  bases: readonly { readonly elements: number; readonly rank: number }[],
  turns: Turns,
): Promise<SidePathPoint[]> {
  const { runtime, type } = bed;
  const { compute } = runtime;
  const arena = new Arena(compute);
  const make = maker(runtime, arena);
  const keep = (dims: readonly number[], seed: number): Tensor<GPUBuffer> =>
    make(type, numbers(count(dims), seed), dims);
  const plainFeeds = new Map<string, Tensor<GPUBuffer>>();
  layers.forEach((layer, l) => {
    plainFeeds.set(`x${l}`, keep([layer.tokens, layer.in], 5 * l));
    plainFeeds.set(`w${l}`, keep([layer.in, layer.out], 5 * l + 1));
  });
  const graphs = [await runtime.openGraph(onnxModel(layersGraph(layers, 0, type)).buffer)];
  const works: Record<string, Work> = { merged: runs(graphs[0], plainFeeds) };
  for (const { elements, rank } of bases) {
    const columns = elements * rank;
    const feeds = new Map(plainFeeds);
    const coefficients = numbers(layers.length * elements, 1);
    layers.forEach((layer, l) => {
      feeds.set(`a${l}`, keep([layer.in, columns], 5 * l + 2));
      feeds.set(`b${l}`, keep([columns, layer.out], 5 * l + 3));
      feeds.set(`c${l}`, keep([columns], 5 * l + 4));
    });
    const factors = layers.map((layer, l) => factorsOf(layer, elements, rank, 5 * l));
    const targets = targetsOf(runtime, type, arena, layers, factors, elements, rank);
    const graph = await runtime.openGraph(onnxModel(layersGraph(layers, columns, type)).buffer);
    graphs.push(graph);
    works[`side ${elements} ${rank}`] = runs(graph, feeds);
    works[`merge ${elements} ${rank}`] = () => compute.merge(targets, coefficients, elements, 1);
  }
  const times = await inTurns(works, turns);
  runtime.check();
  arena.dispose();
  for (const graph of graphs) await graph.dispose();
  return bases.map(({ elements, rank }) => ({
    elements,
    rank,
    merge: times[`merge ${elements} ${rank}`],
    merged: times.merged,
    side: times[`side ${elements} ${rank}`],
  }));
}
