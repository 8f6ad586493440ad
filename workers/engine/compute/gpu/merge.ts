/**
 * The merge on the GPU. Every output is a buffer of its own, since ONNX Runtime binds whole buffers, and a graphics
 * card waits between dispatches that write to buffers which others have read (as WebGPU must have it). So one
 * dispatch merges as many targets as it can bind outputs for; what they are made of lies in three buffers.
 */
import type { MergeTarget } from '../compute';
import { termsOf, type Term } from '../reference/merge';
import { count, targetShape } from '../shapes';
import { preamble, type KernelName } from './kernels';
import type { Operation, Workgroups } from './operation';
import { scalarOf } from './types';

/** How the work is cut; docs/performance.md has what each was measured at. */
export interface MergePlan {
  /** Rows of an invocation in merge.wgsl, 4 or 8. */
  readonly rows: number;
  /** Outputs of a dispatch at most, if the device binds as many. */
  readonly outputs: number;
}

/** A graphics card keeps four rows in registers, not eight, and each dispatch less is a wait less. */
export const CARD: MergePlan = { rows: 4, outputs: 12 };
/** A processor has caches for registers, and its compiler takes seconds for many outputs. */
export const SOFTWARE: MergePlan = { rows: 8, outputs: 6 };

const HEADER_WORDS = 1;
const TARGET_WORDS = 7;

type Target = MergeTarget<GPUBuffer>;

/** A kernel's tile, and how many bindings come before the outputs. */
interface Shape {
  readonly kernel: Extract<KernelName, 'merge' | 'merge-element'>;
  readonly rows: number;
  readonly lanes: number;
  readonly inputs: number;
}

const ELEMENT: Shape = { kernel: 'merge-element', rows: 16, lanes: 32, inputs: 3 };
const whole = ({ rows }: MergePlan): Shape => ({ kernel: 'merge', rows: 8 * rows, lanes: 16, inputs: 4 });

interface Group {
  readonly head: string;
  readonly members: {
    readonly target: Target;
    readonly terms: readonly Term[];
    readonly inputs: number;
    readonly lanes: number;
  }[];
}

/** What a kernel is compiled for: a compiler shifts where it would divide. */
export const constant = (name: 'RANK' | 'ROWS', value: number): string => `const ${name} = ${value}u;\n`;

/** Weights go four at a time where a row's length allows it. */
function lanesOf({ base, a, merged }: Target, outputs: number): { lanes: number; types: string } {
  if (base.type !== merged.type) throw new Error(`a ${base.type} base cannot be merged into ${merged.type}`);
  const width = outputs % 4 === 0 ? 4 : 1;
  const vector = (scalar: string): string => (width === 4 ? `vec4<${scalar}>` : scalar);
  const weight = scalarOf(merged);
  const factor = scalarOf(a);
  const types = preamble({ lane: vector(weight), wide: vector('f32'), factor, factor_lane: vector(factor) });
  return { lanes: outputs / width, types };
}

/** Targets that one dispatch merges: those in the same buffers and of one kind, as many as can be bound. */
function groupsOf(targets: readonly Target[], terms: readonly (readonly Term[])[], most: number): Group[] {
  const groups: Group[] = [];
  targets.forEach((target, l) => {
    const { rank, inputs, outputs } = targetShape(target);
    const { lanes, types } = lanesOf(target, outputs);
    const head = types + constant('RANK', rank);
    const member = { target, terms: terms[l], inputs, lanes };
    const last = groups.at(-1);
    const fits =
      last !== undefined &&
      last.members.length < most &&
      last.head === head &&
      (['base', 'a', 'b'] as const).every((part) => last.members[0].target[part].data === target[part].data);
    if (fits) last.members.push(member);
    else groups.push({ head, members: [member] });
  });
  return groups;
}

/** The outputs of a group from binding `first` on, which WGSL cannot number, and how to read and write one. */
export function outputsOf(count: number, first: number): string {
  const each = (line: (k: number) => string): string =>
    Array.from({ length: count }, (_, k) => line(k)).join('\n');
  const label = (k: number): string => (k === count - 1 ? 'default' : `case ${k}u`);
  return `${each((k) => `@group(0) @binding(${first + k}) var<storage, read_write> merged${k}: array<lane>;`)}
fn load(output: u32, at: u32) -> wide {
  switch output {
    ${each((k) => `${label(k)}: { return wide(merged${k}[at]); }`)}
  }
}
fn store(output: u32, at: u32, value: wide) {
  switch output {
    ${each((k) => `${label(k)}: { merged${k}[at] = lane(value); }`)}
  }
}
`;
}

/** What lib/merge-tile.wgsl reads of a group, and the workgroups of its dispatch. */
function dispatchOf(
  { members }: Group,
  shape: Shape,
  most: number,
): { words: Uint32Array; workgroups: Workgroups } {
  const first = HEADER_WORDS + TARGET_WORDS * members.length;
  const words = new Uint32Array(members.reduce((sum, { terms }) => sum + 2 * terms.length, first));
  const floats = new Float32Array(words.buffer);
  let tiles = 0;
  let term = first;
  members.forEach(({ target: { base, a, b }, terms, inputs, lanes }, k) => {
    const width = (inputs * lanes) / count(base.dims);
    const [ofBase, ofA, ofB] = [(base.offset ?? 0) * width, a.offset ?? 0, (b.offset ?? 0) * width];
    words.set([inputs, lanes, ofBase, ofA, ofB, term, terms.length], HEADER_WORDS + TARGET_WORDS * k);
    terms.forEach(({ element, factor }) => {
      words[term] = element;
      floats[term + 1] = factor;
      term += 2;
    });
    tiles = Math.max(tiles, Math.ceil(lanes / shape.lanes) * Math.ceil(inputs / shape.rows));
  });
  const across = Math.min(tiles, most);
  words[0] = across;
  return { words, workgroups: [across, Math.ceil(tiles / across), members.length] };
}

/** Runs one kernel over all targets, of which each has the terms at its index. */
function encode(
  operation: Operation,
  shape: Shape,
  constants: string,
  targets: readonly Target[],
  terms: readonly (readonly Term[])[],
  outputs: number,
  { maxStorageBuffersPerShaderStage, maxComputeWorkgroupsPerDimension: across }: GPUSupportedLimits,
): void {
  if (targets.length === 0) return;
  const most = Math.min(outputs, maxStorageBuffersPerShaderStage - shape.inputs);
  for (const group of groupsOf(targets, terms, most)) {
    const { head, members } = group;
    const { words, workgroups } = dispatchOf(group, shape, across);
    const { base, a, b } = members[0].target;
    const read = [operation.constant('terms', words), a.data, b.data, base.data].slice(0, shape.inputs);
    operation.run(
      shape.kernel,
      head + constants + outputsOf(members.length, shape.inputs),
      [...read, ...members.map(({ target }) => target.merged.data)],
      workgroups,
    );
  }
}

export function encodeMerge(
  operation: Operation,
  targets: readonly Target[],
  coefficients: Float32Array,
  elements: number,
  scale: number,
  plan: MergePlan,
  limits: GPUSupportedLimits,
): void {
  const terms = targets.map((_, l) => termsOf(coefficients, l, elements, scale));
  encode(operation, whole(plan), constant('ROWS', plan.rows), targets, terms, plan.outputs, limits);
}

export function encodeMergeElement(
  operation: Operation,
  targets: readonly Target[],
  element: number,
  delta: Float32Array,
  scale: number,
  plan: MergePlan,
  limits: GPUSupportedLimits,
): void {
  const changed = targets.flatMap((target, l) =>
    delta[l] === 0 ? [] : [{ target, terms: [{ element, factor: delta[l] * scale }] }],
  );
  const parts = [changed.map(({ target }) => target), changed.map(({ terms }) => terms)] as const;
  encode(operation, ELEMENT, '', ...parts, plan.outputs, limits);
}
