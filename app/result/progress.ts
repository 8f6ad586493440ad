/** The engine's progress as a bar: each phase is a segment, filled by its own done of total. */
import type { LoadPhase, RunPhase } from '../../workers/engine/protocol';
import type { Activity } from '../state/types';

/** Shares of the bar; drawing takes most of the time, so it has most of the length. */
export const RUN_SEGMENTS: readonly (readonly [RunPhase, number])[] = [
  ['decoding', 2],
  ['preparing', 2],
  ['anchoring', 3],
  ['encoding', 3],
  ['merging', 3],
  ['denoising', 24],
  ['rendering', 3],
];
export const LOAD_SEGMENTS: readonly (readonly [LoadPhase, number])[] = [
  ['checking', 1],
  ['downloading', 12],
  ['verifying', 3],
  ['reading', 3],
  ['compiling', 6],
];

export interface Segment {
  readonly phase: RunPhase | LoadPhase;
  readonly share: number;
  /** 0..1 */
  readonly filled: number;
}

/** `alone`: the phase is all there is to do, as when a result is only rendered again. */
export function segments(activity: Exclude<Activity, { kind: 'idle' }>, alone = false): readonly Segment[] {
  const all: readonly (readonly [RunPhase | LoadPhase, number])[] =
    activity.kind === 'running' ? RUN_SEGMENTS : LOAD_SEGMENTS;
  const list = alone ? all.filter(([phase]) => phase === activity.phase) : all;
  const current = list.findIndex(([phase]) => phase === activity.phase);
  const part = activity.total > 0 ? Math.min(1, activity.done / activity.total) : 0;
  return list.map(([phase, share], index) => ({
    phase,
    share,
    filled: index < current ? 1 : index === current ? part : 0,
  }));
}

/** 0..100, whole. */
export function overall(list: readonly Segment[]): number {
  const whole = list.reduce((sum, { share }) => sum + share, 0);
  return Math.round((list.reduce((sum, { share, filled }) => sum + share * filled, 0) / whole) * 100);
}
