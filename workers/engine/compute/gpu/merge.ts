/** The merge on the GPU: one dispatch per target, all in one compute pass. */
import type { MergeTarget } from '../compute';
import { termsOf } from '../reference/merge';
import { targetShape } from '../shapes';
import { preamble } from './kernels';
import type { Operation } from './operation';
import { scalarOf } from './types';

/** Rows and lanes of a workgroup's tile in merge.wgsl. */
const TILE_ROWS = 64;
const TILE_LANES = 16;
const HEADER_WORDS = 4;

type Target = MergeTarget<GPUBuffer>;

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

/** Lays every target's header and terms one after the other, each on an offset that can be bound. */
function packTerms(
  targets: readonly Target[],
  coefficients: Float32Array,
  elements: number,
  scale: number,
  alignment: number,
): { words: Uint32Array; offsets: number[]; lengths: number[] } {
  const stride = Math.ceil(((HEADER_WORDS + 2 * elements) * 4) / alignment) * alignment;
  const words = new Uint32Array((targets.length * stride) / 4);
  const floats = new Float32Array(words.buffer);
  const offsets: number[] = [];
  const lengths: number[] = [];
  targets.forEach((target, l) => {
    const { inputs, outputs, rank } = targetShape(target);
    const terms = termsOf(coefficients, l, elements, scale);
    const at = (l * stride) / 4;
    words.set([inputs, lanesOf(target, outputs).lanes, rank, terms.length], at);
    terms.forEach(({ element, factor }, i) => {
      words[at + HEADER_WORDS + 2 * i] = element;
      floats[at + HEADER_WORDS + 2 * i + 1] = factor;
    });
    offsets.push(l * stride);
    lengths.push((HEADER_WORDS + 2 * elements) * 4);
  });
  return { words, offsets, lengths };
}

export function encodeMerge(
  operation: Operation,
  targets: readonly Target[],
  coefficients: Float32Array,
  elements: number,
  scale: number,
  alignment: number,
): void {
  if (targets.length === 0) return;
  const { words, offsets, lengths } = packTerms(targets, coefficients, elements, scale, alignment);
  const terms = operation.constant('terms', words, 'storage');
  targets.forEach((target, l) => {
    const { inputs, outputs } = targetShape(target);
    const { lanes, head } = lanesOf(target, outputs);
    operation.run(
      'merge',
      head,
      [
        { buffer: terms, offset: offsets[l], size: lengths[l] },
        target.base.data,
        target.a.data,
        target.b.data,
        target.merged.data,
      ],
      [Math.ceil(lanes / TILE_LANES), Math.ceil(inputs / TILE_ROWS)],
    );
  });
}

export function encodeMergeElement(
  operation: Operation,
  targets: readonly Target[],
  element: number,
  delta: Float32Array,
  scale: number,
): void {
  targets.forEach((target, l) => {
    if (delta[l] === 0) return;
    const { inputs, outputs, rank } = targetShape(target);
    const { lanes, head } = lanesOf(target, outputs);
    operation.run(
      'merge-element',
      head,
      [
        operation.parameters([inputs, lanes, rank, element], [delta[l] * scale]),
        target.a.data,
        target.b.data,
        target.merged.data,
      ],
      [Math.ceil(lanes / 64), Math.ceil(inputs / 4)],
    );
  });
}
