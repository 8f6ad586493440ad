/** What a run of the benchmark finds; docs/performance.json is a list of these. */
import type { Backend, Outcome, RunPhase, RunReport } from '../engine/protocol';
import type { Spread, Timing } from './turns';

/** What is measured, in this order. */
export const PARTS = [
  'ceilings',
  'merge',
  'large merge',
  'growth',
  'side path',
  'anchor',
  'step',
  'edit',
  'step on WASM',
  'edit on WASM',
] as const;
export type Part = (typeof PARTS)[number];

/** Ways to the same merged weights, by the names they have in results. */
export const WAYS = {
  copy: 'copy of as many bytes',
  merge: 'merge',
  half: 'merge, half of the coefficients zero',
  none: 'merge, all coefficients zero',
  element: 'one element',
  elements: 'one element at a time',
  graph: 'ORT graph',
  typescript: 'TypeScript',
  wasm: 'merge on WASM',
  wasmElement: 'one element on WASM',
} as const;

/**
 * Ways to a step of the denoiser; the second is what the others are compared with. The first and `waited` end when
 * the device has, the others are asked for ahead.
 */
export const STEP_WAYS = {
  engine: 'engine, a run of one step',
  inputs: 'session.run, merged weights as inputs',
  waited: 'session.run, each waited for',
  constants: 'session.run, weights as constants',
  plain: 'session.run, axes free, nothing recorded',
} as const;

/** Where the anchor's Gram matrices are made. */
export const GRAM_WAYS = { webgpu: 'WebGPU', wasm: 'ORT on WASM', typescript: 'TypeScript' } as const;

/** Copies that a render is compared with. */
export const COPIES = {
  canvas: 'canvas copy',
  device: 'copy on the device, read back',
  processor: 'copy on the processor',
} as const;
/** What the anchor's parts are compared with, what follows each of them in a list of rows. */
export const PART_COPIES = { model: 'copy of 256 × 256', full: 'copy of 12 megapixels' } as const;

/** The render in which the head draws at every pixel; in the others only the anchor does. */
export const OPEN = 'colour, the head open';

/** Ways to an edit. The first two start with nothing but the pack's files and an open device. */
export const EDIT_WAYS = {
  bare: 'session.run: create both sessions, run each once',
  first: 'first edit: read the pack, create both sessions, run',
  /** Not shown: it makes the next edit a new one. */
  again: 'another triplet',
  edit: 'new triplet',
  weight: 'one weight changed',
  strength: 'strength changed',
  photo: 'another b',
} as const;

/** One way to do the same work. */
export interface Row {
  readonly name: string;
  readonly ms: Timing;
}

/** Work of which it is known how much there is: what a device can do at most. */
export interface Ceiling extends Row {
  /** Bytes read and written, or floating-point operations, in those milliseconds. */
  readonly amount: number;
  readonly of: 'bytes' | 'float32' | 'float16';
}

export function rowsOf(times: Readonly<Record<string, Timing>>): Row[] {
  return Object.entries(times).map(([name, ms]) => ({ name, ms }));
}

/** The merge of a list of targets, in several ways. */
export interface MergeResult {
  readonly targets: number;
  readonly elements: number;
  readonly rank: number;
  /** What a merge has to move: base, A and B read once, the merged weights written once. */
  readonly bytes: number;
  readonly multiplyAdds: number;
  /** Of ours against ORT's graph, or where there is none against TypeScript: the largest difference of a merged weight. */
  readonly difference: number;
  readonly rows: readonly Row[];
}

/** One point of a curve: `value` of what grows. */
export interface GrowthPoint {
  readonly value: number;
  readonly ms: Spread;
}

export interface Growth {
  readonly of: 'elements' | 'rank' | 'targets' | 'steps' | 'tokens';
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
  /** Where a step is quick enough to take many. */
  readonly growth?: readonly Growth[];
}

/** Renders of one size and the copies beside them; rows of renders are named 'backend: anchor'. */
export interface RenderPoint {
  readonly megapixels: number;
  readonly rows: readonly Row[];
}

export interface AnchorResult {
  /** What a fit and a render begin with, each beside a copy of as many pixels. */
  readonly parts?: readonly Row[];
  /** The Gram matrices of a pair. */
  readonly gram: readonly Row[];
  readonly points: readonly RenderPoint[];
}

/** Bytes after an edit. */
export interface Memory {
  /** In buffers of the device, ONNX Runtime's among them. */
  readonly device: number;
  /** Of JavaScript, array buffers included; 0 where nobody tells. */
  readonly heap: number;
}

/** Whole edits, from decoded pictures to b′ at full size. */
export interface EditResult {
  readonly backend: Backend;
  readonly adapter: string;
  readonly precision: 'fp16' | 'fp32';
  readonly first: readonly Row[];
  /** By the size of b; a and a′ have one megapixel. */
  readonly points: readonly {
    readonly megapixels: number;
    readonly rows: readonly Row[];
    readonly phases: RunReport['timings'];
  }[];
  /** After each of many edits in a row. */
  readonly memory: readonly Memory[];
  /** At the end of each phase of one more. */
  readonly memoryByPhase?: Readonly<Partial<Record<RunPhase, Memory>>>;
}

export interface BenchResult {
  /** 'Node, Dawn' or the browser. */
  readonly where: string;
  readonly adapter: string;
  readonly type: 'float32' | 'float16';
  readonly ceilings?: readonly Ceiling[];
  readonly merge: MergeResult;
  /** One target of the released checkpoint's widest layer; missing where it does not fit. */
  readonly large: MergeResult | undefined;
  readonly growth: readonly Growth[];
  readonly sidePath: readonly SidePathPoint[];
  readonly anchor: AnchorResult;
  readonly steps: readonly StepResult[];
  /** A step on a device that computes nothing: what is left is the processor's part. Not in a browser. */
  readonly host?: StepResult;
  readonly edits: readonly EditResult[];
}

/** What the page asks of the benchmark's worker. */
export interface BenchApi {
  /** `onPart` hears of each part as it begins; a round is one turn of every work. */
  measure(rounds: number, onPart: (part: Part) => void): Promise<Outcome<BenchResult>>;
}
