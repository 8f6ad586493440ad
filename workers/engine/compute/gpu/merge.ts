/**
 * The merge on the GPU. Every output is a buffer of its own, since ONNX Runtime binds whole buffers, and a graphics
 * card waits between dispatches that write to buffers which others have read (as WebGPU must have it). So one
 * dispatch merges as many targets as it can bind outputs for; what they are made of lies in three buffers.
 */
import type { MergeTarget, Tensor } from '../compute';
import { bytesOf } from './buffers';
import { termsOf } from '../reference/merge';
import { count, targetShape } from '../shapes';
import { preamble } from './kernels';
import type { Operation } from './operation';
import { scalarOf } from './types';

/** Rows and lanes of a workgroup's tile in merge.wgsl. */
const TILE_ROWS = 64;
const TILE_LANES = 16;
const HEADER_WORDS = 4;
const TARGET_WORDS = 8;
/** Bindings before the outputs. */
const FIRST_OUTPUT = 4;
/** More fit on many devices, but make fewer dispatches by little, and a software adapter's compiler slow. */
const MOST_OUTPUTS = 6;

type Target = MergeTarget<GPUBuffer>;

interface Group {
  readonly rank: number;
  readonly head: string;
  readonly members: {
    readonly target: Target;
    readonly l: number;
    readonly inputs: number;
    readonly lanes: number;
  }[];
}

/** Weights go four at a time where a row's length allows it. */
function lanesOf({ base, a, merged }: Target, outputs: number): { lanes: number; head: string } {
  if (base.type !== merged.type) throw new Error(`a ${base.type} base cannot be merged into ${merged.type}`);
  const width = outputs % 4 === 0 ? 4 : 1;
  const vector = (scalar: string): string => (width === 4 ? `vec4<${scalar}>` : scalar);
  const weight = scalarOf(merged);
  const factor = scalarOf(a);
  const head = preamble({ lane: vector(weight), wide: vector('f32'), factor, factor_lane: vector(factor) });
  return { lanes: outputs / width, head };
}

/** Targets that one dispatch merges: those in the same buffers and of one kind, as many as can be bound. */
function groupsOf(targets: readonly Target[], most: number): Group[] {
  const groups: Group[] = [];
  targets.forEach((target, l) => {
    const { rank, inputs, outputs } = targetShape(target);
    const { lanes, head } = lanesOf(target, outputs);
    const member = { target, l, inputs, lanes };
    const last = groups.at(-1);
    const fits =
      last !== undefined &&
      last.members.length < most &&
      last.rank === rank &&
      last.head === head &&
      (['base', 'a', 'b'] as const).every((part) => last.members[0].target[part].data === target[part].data);
    if (fits) last.members.push(member);
    else groups.push({ rank, head, members: [member] });
  });
  return groups;
}

/** The outputs of a group, which WGSL cannot number, and how to write to one. */
export function outputsOf(count: number): string {
  const each = (line: (k: number) => string): string =>
    Array.from({ length: count }, (_, k) => line(k)).join('\n');
  return `${each((k) => `@group(0) @binding(${FIRST_OUTPUT + k}) var<storage, read_write> merged${k}: array<lane>;`)}
fn store(output: u32, at: u32, value: wide) {
  switch output {
    ${each((k) => `${k === count - 1 ? 'default' : `case ${k}u`}: { merged${k}[at] = lane(value); }`)}
  }
}
`;
}

/** A group's header, its targets' and their terms, as merge.wgsl reads them. */
function wordsOf(
  { rank, members }: Group,
  coefficients: Float32Array,
  elements: number,
  scale: number,
  across: number,
): { words: Uint32Array; tiles: number } {
  const words = new Uint32Array(HEADER_WORDS + (TARGET_WORDS + 2 * elements) * members.length);
  const floats = new Float32Array(words.buffer);
  let tiles = 0;
  let term = HEADER_WORDS + TARGET_WORDS * members.length;
  members.forEach(({ target: { base, a, b }, l, inputs, lanes }, k) => {
    const terms = termsOf(coefficients, l, elements, scale);
    const width = (inputs * lanes) / count(base.dims);
    const [ofBase, ofA, ofB] = [(base.offset ?? 0) * width, a.offset ?? 0, (b.offset ?? 0) * width];
    words.set([tiles, inputs, lanes, ofBase, ofA, ofB, term, terms.length], HEADER_WORDS + TARGET_WORDS * k);
    terms.forEach(({ element, factor }) => {
      words[term] = element;
      floats[term + 1] = factor;
      term += 2;
    });
    tiles += Math.ceil(lanes / TILE_LANES) * Math.ceil(inputs / TILE_ROWS);
  });
  words.set([members.length, rank, Math.min(tiles, across), tiles]);
  return { words, tiles };
}

export function encodeMerge(
  operation: Operation,
  targets: readonly Target[],
  coefficients: Float32Array,
  elements: number,
  scale: number,
  { maxStorageBuffersPerShaderStage, maxComputeWorkgroupsPerDimension: across }: GPUSupportedLimits,
): void {
  if (targets.length === 0) return;
  const most = Math.min(MOST_OUTPUTS, maxStorageBuffersPerShaderStage - FIRST_OUTPUT);
  const groups = groupsOf(targets, most);
  const made = groups.map((group) => wordsOf(group, coefficients, elements, scale, across));
  const terms = operation.constants(
    'terms',
    made.map(({ words }) => words),
    'storage',
  );
  groups.forEach(({ head, members }, g) => {
    const { tiles } = made[g];
    const { base, a, b } = members[0].target;
    operation.run(
      'merge',
      head + outputsOf(members.length),
      [terms[g], base.data, a.data, b.data, ...members.map(({ target }) => target.merged.data)],
      [Math.min(tiles, across), Math.ceil(tiles / across)],
    );
  });
}

/** A tensor that was allocated with others, on its own. */
function bound({ data: buffer, type, dims, offset }: Tensor<GPUBuffer>): GPUBufferBinding {
  const size = Math.ceil(bytesOf(type, dims) / 4) * 4;
  return { buffer, offset: bytesOf(type, [offset ?? 0]), size };
}

export function encodeMergeElement(
  operation: Operation,
  targets: readonly Target[],
  element: number,
  delta: Float32Array,
  scale: number,
): void {
  const changed = targets.flatMap((target, l) => {
    if (delta[l] === 0) return [];
    const { inputs, outputs, rank } = targetShape(target);
    const { lanes, head } = lanesOf(target, outputs);
    const words = Uint32Array.of(inputs, lanes, rank, element, 0, 0, 0, 0);
    new Float32Array(words.buffer)[4] = delta[l] * scale;
    return [{ target, words, head, workgroups: [Math.ceil(lanes / 64), Math.ceil(inputs / 4)] as const }];
  });
  if (changed.length === 0) return;
  const parameters = operation.constants(
    'parameters',
    changed.map(({ words }) => words),
    'uniform',
  );
  changed.forEach(({ target: { a, b, merged }, head, workgroups }, i) =>
    operation.run('merge-element', head, [parameters[i], bound(a), bound(b), merged.data], workgroups),
  );
}
