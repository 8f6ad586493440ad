/** An ONNX graph as a function from compute tensors to compute tensors. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import type { Tensor } from './compute/compute';
import type { Model } from './model';

/** Owned by the caller: `dispose` gives the memory back to ONNX Runtime. */
export interface GraphOutput<Data> {
  readonly tensor: Tensor<Data>;
  dispose(): void;
}

export interface Graph<Data> {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Its commands were recorded (replay.ts). */
  readonly recorded?: boolean;
  /** Never call it while another graph runs: two at once hang. */
  run(feeds: ReadonlyMap<string, Tensor<Data>>): Promise<ReadonlyMap<string, GraphOutput<Data>>>;
  dispose(): Promise<void>;
}

/** What is known of a graph's runs before the first: it is faster for it. */
export interface GraphUse {
  /** Sizes of the axes that the graph leaves free, by name. */
  readonly axes: Readonly<Record<string, number>>;
  /** Given where the graph may be recorded: the inputs that come in other buffers each time. The rest must not. */
  readonly changing?: readonly string[];
}

/** How one backend turns its tensors into ORT's and back. */
export interface Binding<Data> {
  wrap(tensor: Tensor<Data>): OrtTensor;
  unwrap(tensor: OrtTensor): Tensor<Data>;
  /** Wraps awaiting ORT, so that a lost device rejects. */
  guard<T>(work: Promise<T>): Promise<T>;
}

export function wrapSession<Data>(session: InferenceSession, binding: Binding<Data>): Graph<Data> {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds) {
      const inputs: Record<string, OrtTensor> = {};
      for (const [name, tensor] of feeds) inputs[name] = binding.wrap(tensor);
      const results = await binding.guard(session.run(inputs));
      const outputs = new Map<string, GraphOutput<Data>>();
      for (const [name, result] of Object.entries(results)) {
        outputs.set(name, { tensor: binding.unwrap(result), dispose: () => result.dispose() });
      }
      return outputs;
    },
    dispose: () => session.release(),
  };
}

/** The feeds a graph really takes: exporters drop inputs that nothing reads. */
export function feedsFor<Data>(
  graph: Graph<Data>,
  weights: ReadonlyMap<string, Tensor<Data>>,
  activations: ReadonlyMap<string, Tensor<Data>>,
): ReadonlyMap<string, Tensor<Data>> {
  const feeds = new Map<string, Tensor<Data>>();
  for (const name of graph.inputNames) {
    const tensor = activations.get(name) ?? weights.get(name);
    if (tensor !== undefined) feeds.set(name, tensor);
  }
  return feeds;
}

/** What a step of a denoiser is given, in its precision: x `[1, 3, S, S]`, target, pairs `[1, P, 9, S, S]`, t `[1]`. */
export type StepInputs<Data> = Readonly<Record<'x' | 'target' | 'pairs' | 't', Tensor<Data>>>;

export function stepFeeds<Data>(
  { manifest, denoiser, denoiserWeights }: Pick<Model<Data>, 'manifest' | 'denoiser' | 'denoiserWeights'>,
  given: StepInputs<Data>,
): ReadonlyMap<string, Tensor<Data>> {
  const { inputs } = manifest.denoiser;
  const named = (['x', 'target', 'pairs', 't'] as const).map((name) => [inputs[name], given[name]] as const);
  return feedsFor(denoiser, denoiserWeights, new Map(named));
}
