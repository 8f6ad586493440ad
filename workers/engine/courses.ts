/**
 * How an axis of a layer or a mat becomes longer or shorter without harm: where nothing changes along it
 * (docs/architecture.md, "Another shape" and "Frame").
 */
import { lengthOf, type Range } from './layer-pieces';

/** Lines are alike where their means differ by so little, of 255, and so few of their pixels, or a share, by more. */
const MEANS = 2;
const DIFFERENT = 24;
const STRAYS = [4, 0.01] as const;
/** Gaps: not much shorter than the longest, which is not short, together at least a quarter, and they keep that. */
const LONG = 0.5;
const LONGEST = 0.1;
export const GAPS = 0.25;

/** An axis in pixels, of a picture and of the result. */
interface Lengths {
  readonly count: number;
  readonly out: number;
}

/** Places in the picture and where they go, rising. */
export interface Course {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * The stretches of an axis of `count` lines, of `across` pixels each, along which nothing changes, and that are long.
 * `indexOf` says where in `data`, RGBA8, a pixel of a line is; below 0 there is none.
 */
export function gapsAlong(
  data: Uint8ClampedArray,
  count: number,
  across: number,
  indexOf: (along: number, at: number) => number,
): Range[] {
  const alike = (one: number, other: number): boolean => {
    const sums = [0, 0, 0, 0];
    let strays = 0;
    for (let at = 0; at < across; at++) {
      const [i, j] = [indexOf(one, at), indexOf(other, at)];
      let most = 0;
      for (let c = 0; c < 4; c++) {
        const off = (i < 0 ? 0 : data[i + c]) - (j < 0 ? 0 : data[j + c]);
        sums[c] += off;
        most = Math.max(most, Math.abs(off));
      }
      if (most > DIFFERENT) strays++;
    }
    return (
      strays <= Math.max(STRAYS[0], STRAYS[1] * across) &&
      sums.every((sum) => Math.abs(sum) <= MEANS * across)
    );
  };
  const runs: Range[] = [];
  let from = 0;
  for (let to = 1; to <= count; to++) {
    if (to < count && alike(from, to)) continue;
    runs.push({ from, to });
    from = to;
  }
  const longest = Math.max(...runs.map(lengthOf));
  const gaps = runs.filter((run) => lengthOf(run) >= LONG * longest);
  return longest >= LONGEST * count && totalOf(gaps) >= GAPS * count ? gaps : [];
}

export function totalOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + lengthOf(range), 0);
}

/** The whole axis, stretched. */
export function stretched({ count, out }: Lengths): Course {
  return { from: [0, count], to: [0, out] };
}

/** The whole axis at a scale, but for its gaps, which take what is left, each in proportion. */
export function grownIn(gaps: readonly Range[], { count, out }: Lengths, scale: number): Course {
  const gap = totalOf(gaps);
  const share = (out - (count - gap) * scale) / gap;
  const from = [0];
  const to = [0];
  const go = (until: number, by: number): void => {
    to.push(to[to.length - 1] + (until - from[from.length - 1]) * by);
    from.push(until);
  };
  for (const range of gaps) {
    go(range.from, scale);
    go(range.to, share);
  }
  go(count, scale);
  return { from, to };
}

/** The place in the picture of every pixel of the result along an axis, from the first that has one. */
export function placesOf({ from, to }: Course, out: number): { first: number; places: Float32Array } {
  const first = Math.max(0, Math.ceil(to[0] - 0.5));
  const end = Math.min(out, Math.ceil(to[to.length - 1] - 0.5));
  let knot = 1;
  const places = Float32Array.from({ length: Math.max(0, end - first) }, (_, i) => {
    const at = first + i + 0.5;
    while (knot < to.length - 1 && at >= to[knot]) knot++;
    const share = (at - to[knot - 1]) / Math.max(1e-9, to[knot] - to[knot - 1]);
    return from[knot - 1] + share * (from[knot] - from[knot - 1]) - 0.5;
  });
  return { first, places };
}
