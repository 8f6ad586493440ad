/**
 * The line of a pair (docs/architecture.md, "Line"): where all colours of a′ are on one, greys or one ink on one paper,
 * those of b′ are too.
 */
import type { Line } from '../compute';
import type { Row } from './features';

/** Mean over channels of the squared distance to a line: the most of a′'s, and the least of a's own. */
const OFF = 5e-6;
const COLOURED = 1e-4;

/** The line along which pixels of `[3, P]` vary most. */
export interface MainAxis {
  readonly means: readonly number[];
  /** Of length 1. */
  readonly axis: Float64Array;
  /** Of what varies along it and across it, sums over channels, the mean of squares. */
  readonly along: number;
  readonly across: number;
}

export function mainAxis(planes: Float32Array): MainAxis {
  const count = planes.length / 3;
  const means = [0, 1, 2].map(
    (c) => planes.subarray(c * count, (c + 1) * count).reduce((s, v) => s + v, 0) / count,
  );
  const matrix = new Float64Array(9);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++)
      for (let d = 0; d < 3; d++)
        matrix[3 * c + d] += (planes[c * count + i] - means[c]) * (planes[d * count + i] - means[d]);
  }
  const diagonal = [matrix[0], matrix[4], matrix[8]];
  const trace = diagonal[0] + diagonal[1] + diagonal[2];
  let axis = Float64Array.from(diagonal, (value) => (value === Math.max(...diagonal) ? 1 : 0));
  let most = 0;
  // Slow only where no direction is the main one, and then it does not matter which.
  for (let k = 0; k < 100; k++) {
    const next = axis.map(
      (_, c) => matrix[3 * c] * axis[0] + matrix[3 * c + 1] * axis[1] + matrix[3 * c + 2] * axis[2],
    );
    most = Math.hypot(...next);
    if (!(most > 0)) break;
    axis = next.map((value) => value / most);
  }
  if (axis[0] + axis[1] + axis[2] < 0) axis = axis.map((value) => -value);
  return { means, axis, along: most / count, across: Math.max(0, trace - most) / count };
}

/** The line of prepared pictures, `[3, S, S]` each, or undefined where there is none. */
export function lineOf(a: Float32Array, a2: Float32Array): Line | undefined {
  const { means, axis, across } = mainAxis(a2);
  if (across / 3 > OFF || mainAxis(a).across / 3 < COLOURED) return undefined;
  return { origin: means, way: [...axis] };
}

/** Brings colours onto the line, in place and in 0..1. */
export function ontoLine({ origin, way }: Line, [r, g, b]: Row['colours']): void {
  for (let x = 0; x < r.length; x++) {
    const along = (r[x] - origin[0]) * way[0] + (g[x] - origin[1]) * way[1] + (b[x] - origin[2]) * way[2];
    r[x] = Math.min(1, Math.max(0, origin[0] + way[0] * along));
    g[x] = Math.min(1, Math.max(0, origin[1] + way[1] * along));
    b[x] = Math.min(1, Math.max(0, origin[2] + way[2] * along));
  }
}
