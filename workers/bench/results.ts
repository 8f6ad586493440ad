/** What a run of the benchmark finds; docs/performance.json is a list of these. */
import type { Backend, Outcome } from '../engine/protocol';
import type { Spread } from './turns';

/** What is measured, in this order. */
export const PARTS = ['merge', 'large merge', 'growth', 'side path', 'step', 'step on WASM'] as const;
export type Part = (typeof PARTS)[number];

/** Ways to the same merged weights, by the names they have in results. */
export const WAYS = {
  copy: 'copy of as many bytes',
  merge: 'merge',
  half: 'merge, half of the coefficients zero',
  element: 'one element',
  elements: 'one element at a time',
  graph: 'ORT graph',
  typescript: 'TypeScript',
  wasm: 'merge on WASM',
  wasmElement: 'one element on WASM',
} as const;

/** Ways to a step of the denoiser; the second is what the others are compared with. */
export const STEP_WAYS = {
  engine: 'engine, a run of one step',
  inputs: 'session.run, merged weights as inputs',
  constants: 'session.run, weights as constants',
} as const;

/** One way to do the same work. */
export interface Row {
  readonly name: string;
  readonly ms: Spread;
}

/** The merge of a list of targets, in several ways. */
export interface MergeResult {
  readonly targets: number;
  readonly elements: number;
  readonly rank: number;
  /** What a merge has to move: base, A and B read once, the merged weights written once. */
  readonly bytes: number;
  readonly multiplyAdds: number;
  /** Of ours against ORT's graph: the largest difference of a merged weight. */
  readonly difference: number;
  readonly rows: readonly Row[];
}

/** One point of a curve: `value` of what grows. */
export interface GrowthPoint {
  readonly value: number;
  readonly ms: Spread;
}

export interface Growth {
  readonly of: 'elements' | 'rank' | 'targets';
  readonly points: readonly GrowthPoint[];
}

/** A step's matrix products with the merged weights, and with the LoRAs beside them. */
export interface SidePathPoint {
  readonly elements: number;
  readonly rank: number;
  readonly merge: Spread;
  readonly merged: Spread;
  readonly side: Spread;
}

/** A step of the shipped denoiser, in several ways. */
export interface StepResult {
  readonly backend: Backend;
  readonly adapter: string;
  readonly precision: 'fp16' | 'fp32';
  readonly rows: readonly Row[];
}

export interface BenchResult {
  /** 'Node, Dawn' or the browser. */
  readonly where: string;
  readonly adapter: string;
  readonly type: 'float32' | 'float16';
  readonly merge: MergeResult;
  /** One target of the released checkpoint's widest layer; missing where it does not fit. */
  readonly large: MergeResult | undefined;
  readonly growth: readonly Growth[];
  readonly sidePath: readonly SidePathPoint[];
  readonly steps: readonly StepResult[];
}

/** What the page asks of the benchmark's worker. */
export interface BenchApi {
  /** `onPart` hears of each part as it begins; a round is one turn of every work. */
  measure(rounds: number, onPart: (part: Part) => void): Promise<Outcome<BenchResult>>;
}
