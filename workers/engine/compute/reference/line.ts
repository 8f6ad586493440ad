/**
 * The line of a pair (docs/architecture.md, "Line"): where all colours of a′ are on one, greys or one ink on one paper,
 * those of b′ are too.
 */
import type { Line } from '../compute';
import { mainAxis } from '../screen-tones';
import type { Row } from './features';

/** Mean over channels of the squared distance to a line: the most of a′'s, and the least of a's own. */
const OFF = 5e-6;
const COLOURED = 1e-4;

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
