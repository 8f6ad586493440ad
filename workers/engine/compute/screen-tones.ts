/** The two tones of a picture that a screen made, and how much each pixel has of them (docs/architecture.md, "Screen"). */
import type { Screen } from './compute';
import { mainAxis } from './reference/line';
import { valueAt } from './select';

/** The least between the two tones, in a channel. */
const APART = 0.1;
/** Of the variance of a′, the most that is across the line from one to the other. */
const ASTRAY = 0.1;
/** So near to the two must be this share of the pixels, and this to each. */
const NEAR = 0.1;
const TONED = 0.5;
const OF_EACH = 0.02;

export type Tones = readonly [dark: Float64Array, light: Float64Array];

/** The lower of two middle values, or undefined of none; `values` are put in another order. */
function medianOf(values: Float32Array): number | undefined {
  return values.length === 0 ? undefined : valueAt(values, (values.length - 1) >> 1);
}

/** The two tones at first, medians of what is on either side of the middle, or undefined where a′ is not of two. */
export function twoTones(a2: Float32Array, kind: Screen['kind']): Tones | undefined {
  const count = a2.length / 3;
  const channel = (c: number): Float32Array => a2.subarray(c * count, (c + 1) * count);
  const alongs: ArrayLike<number>[] = [];
  if (kind === 'screens') {
    alongs.push(channel(0), channel(1), channel(2));
  } else {
    const { axis, along: most, across } = mainAxis(a2);
    if (most === 0 || across > ASTRAY * (most + across)) return undefined;
    const [r, g, b] = [0, 1, 2].map(channel);
    const along = new Float64Array(count);
    for (let i = 0; i < count; i++) along[i] = axis[0] * r[i] + axis[1] * g[i] + axis[2] * b[i];
    alongs.push(along, along, along);
  }
  const [dark, light] = [new Float64Array(3), new Float64Array(3)];
  for (let c = 0; c < 3; c++) {
    const along = alongs[c];
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < count; i++) {
      least = Math.min(least, along[i]);
      most = Math.max(most, along[i]);
    }
    const middle = (least + most) / 2;
    const own = channel(c);
    // The lower half from the front, the upper one from the back.
    const halves = new Float32Array(count);
    let below = 0;
    for (let i = 0, above = count; i < count; i++) halves[along[i] <= middle ? below++ : --above] = own[i];
    const [low, high] = [medianOf(halves.subarray(0, below)), medianOf(halves.subarray(below))];
    if (low === undefined || high === undefined) return undefined;
    [dark[c], light[c]] = [low, high];
  }
  const apart = [...light].map((value, c) => Math.abs(value - dark[c]));
  const enough = (kind === 'screen' ? Math.max(...apart) : Math.min(...apart)) >= APART;
  return enough ? [dark, light] : undefined;
}

/** How much of the light tone each pixel has, not clamped: one plane, or one for each channel. */
export function sharesOf(a2: Float32Array, [dark, light]: Tones, kind: Screen['kind']): Float64Array[] {
  const count = a2.length / 3;
  if (kind === 'screens')
    return [0, 1, 2].map((c) => {
      const share = new Float64Array(count);
      for (let i = 0; i < count; i++) share[i] = (a2[c * count + i] - dark[c]) / (light[c] - dark[c]);
      return share;
    });
  const way = light.map((value, c) => value - dark[c]);
  const length = way[0] ** 2 + way[1] ** 2 + way[2] ** 2;
  const share = new Float64Array(count);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < count; i++) share[i] += ((a2[c * count + i] - dark[c]) * way[c]) / length;
  return [share];
}

/** Whether enough of a′ is of either tone. */
export function ofTwo(shares: readonly Float64Array[]): boolean {
  const all = shares.length * shares[0].length;
  let [dark, light] = [0, 0];
  for (const share of shares) {
    for (let i = 0; i < share.length; i++) {
      if (Math.abs(share[i]) < NEAR) dark++;
      else if (Math.abs(share[i] - 1) < NEAR) light++;
    }
  }
  return dark + light >= TONED * all && Math.min(dark, light) >= OF_EACH * all;
}

/** The tones that go best with shares, and a′ less what they make of them: the mean squared error. */
export function tonesAgain(a2: Float32Array, shares: readonly Float64Array[]): Tones {
  const count = a2.length / 3;
  const [dark, light] = [new Float64Array(3), new Float64Array(3)];
  for (let c = 0; c < 3; c++) {
    const share = shares[c % shares.length];
    let [s, y, ss, sy] = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const value = a2[c * count + i];
      s += share[i];
      y += value;
      ss += share[i] * share[i];
      sy += share[i] * value;
    }
    const slope = (sy / count - ((s / count) * y) / count) / Math.max(ss / count - (s / count) ** 2, 1e-9);
    dark[c] = y / count - (slope * s) / count;
    light[c] = dark[c] + slope;
  }
  return [dark, light];
}

export function errorOf(a2: Float32Array, shares: readonly Float64Array[], [dark, light]: Tones): number {
  const count = a2.length / 3;
  let error = 0;
  for (let c = 0; c < 3; c++) {
    const share = shares[c % shares.length];
    for (let i = 0; i < count; i++) {
      const value = Math.min(1, Math.max(0, dark[c] + (light[c] - dark[c]) * share[i]));
      error += (value - a2[c * count + i]) ** 2;
    }
  }
  return error / (3 * count);
}
