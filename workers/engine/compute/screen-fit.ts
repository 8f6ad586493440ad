/**
 * Fits a screen to a pair (docs/architecture.md, "Screen"): the two tones of a′, what repeats in how they are mixed,
 * and, by convex least squares, how much of each tone of a it takes and the thresholds.
 */
import { solveCholesky } from './cholesky';
import { SCREEN_TONES, type Cells, type Screen } from './compute';
import { middleOfCell } from './reference/cells';
import { luma } from './reference/lookup';
import { phaseAt, SCREEN_KNOTS, splineAt } from './reference/screen';
import { frequenciesOf, type Frequency } from './spectrum';

/** The least between the two tones, in a channel. */
const APART = 0.1;
/** Of the variance of a′, the most that is across the line from one to the other. */
const ASTRAY = 0.1;
/** So near to the two must be this share of the pixels, and this to each. */
const NEAR = 0.1;
const TONED = 0.5;
const OF_EACH = 0.02;
/** A share this near to 0 or 1 may be anything beyond it: at least, and where there is noise at most. */
const FULL = [0.03, 0.2] as const;
/** Noise: times the median of what is off. */
const NOISE = 3;
const RIDGE = 1e-7;
/** What thresholds cost that bend; between cells each is for itself. */
const BENDS = 1e-4 / SCREEN_KNOTS;
const BENDS_OF_CELLS = 1e-6 / SCREEN_KNOTS;
/** What a threshold costs that nothing asks for. */
const LOOSE = 1e-9;
const STEPS = 20;
/** How exactly each is cut short where that is too far. */
const HALVINGS = 6;
const ROUNDS = 3;
/** Of what a screen may leave, the most after a round. */
const HOPELESS = 2;
/** The most that a screen that repeats may leave of what one that does not leaves. */
const REPEATED = 0.5;
/** Cells, of a dither. */
const PERIODS = [4, 8] as const;
const SIDE = 16;

/** A square of a picture's pixels. */
export interface Sampled {
  readonly side: number;
  /** Planes `[3, side, side]`. */
  readonly a: Float32Array;
  readonly a2: Float32Array;
  /** The four blurs of a at the same places, `[3, side, side]` each; not read in cells. */
  readonly soft: readonly Float32Array[];
  /** Where the square is, in parts of the picture. */
  readonly span: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  /** What a is the means of. */
  readonly cells: Cells | undefined;
}

/** Of one share, or of several that are alike. */
interface Channel {
  /** Cycles a picture; none where one threshold is everywhere. */
  readonly lattice: readonly Frequency[];
  /** `[5]` */
  readonly gains: Float64Array;
  /** `[256]` */
  readonly thresholds: Float64Array;
  readonly error: number;
}

type Tones = readonly [dark: Float64Array, light: Float64Array];

/** Where the pixels of a square are, columns and rows, as a screen sees it: in cells, in their middles. */
function placesOf({ side, span, cells }: Sampled): readonly [Float64Array, Float64Array] {
  const along = (axis: 0 | 1, first: number, length: number): Float64Array =>
    Float64Array.from({ length: side }, (_, i) => {
      const place = first + (length * (i + 0.5)) / side;
      return cells === undefined ? place : middleOfCell(cells, axis, place);
    });
  return [along(0, span.left, span.width), along(1, span.top, span.height)];
}

/** The direction in which pixels of `[3, P]` vary most, and the share of variance that is across it. */
function mainAxis(planes: Float32Array): { readonly axis: Float64Array; readonly astray: number } {
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
  const trace = matrix[0] + matrix[4] + matrix[8];
  let axis = Float64Array.of(1, 1, 1);
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
  return { axis, astray: trace > 0 ? (trace - most) / trace : 1 };
}

/** The lower of two middle values, or undefined of none. */
function medianOf(values: readonly number[]): number | undefined {
  return Float64Array.from(values).sort()[(values.length - 1) >> 1];
}

/** The two tones at first, medians of what is on either side of the middle, or undefined where a′ is not of two. */
function twoTones(a2: Float32Array, kind: Screen['kind']): Tones | undefined {
  const count = a2.length / 3;
  const channel = (c: number): Float32Array => a2.subarray(c * count, (c + 1) * count);
  const alongs: ArrayLike<number>[] = [];
  if (kind === 'screens') {
    alongs.push(channel(0), channel(1), channel(2));
  } else {
    const { axis, astray } = mainAxis(a2);
    if (astray > ASTRAY) return undefined;
    const [r, g, b] = [0, 1, 2].map(channel);
    const along = Float64Array.from(r, (value, i) => axis[0] * value + axis[1] * g[i] + axis[2] * b[i]);
    alongs.push(along, along, along);
  }
  const [dark, light] = [new Float64Array(3), new Float64Array(3)];
  for (let c = 0; c < 3; c++) {
    const along = alongs[c];
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < count; i++) [least, most] = [Math.min(least, along[i]), Math.max(most, along[i])];
    const middle = (least + most) / 2;
    const halves: [number[], number[]] = [[], []];
    channel(c).forEach((value, i) => halves[along[i] <= middle ? 0 : 1].push(value));
    const [low, high] = halves.map(medianOf);
    if (low === undefined || high === undefined) return undefined;
    [dark[c], light[c]] = [low, high];
  }
  const apart = [...light].map((value, c) => Math.abs(value - dark[c]));
  const enough = (kind === 'screen' ? Math.max(...apart) : Math.min(...apart)) >= APART;
  return enough ? [dark, light] : undefined;
}

/** How much of the light tone each pixel has, not clamped: one plane, or one for each channel. */
function sharesOf(a2: Float32Array, [dark, light]: Tones, kind: Screen['kind']): Float64Array[] {
  const count = a2.length / 3;
  if (kind === 'screens')
    return [0, 1, 2].map((c) =>
      Float64Array.from({ length: count }, (_, i) => (a2[c * count + i] - dark[c]) / (light[c] - dark[c])),
    );
  const way = light.map((value, c) => value - dark[c]);
  const length = way[0] ** 2 + way[1] ** 2 + way[2] ** 2;
  return [
    Float64Array.from({ length: count }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < 3; c++) sum += (a2[c * count + i] - dark[c]) * way[c];
      return sum / length;
    }),
  ];
}

/** Whether enough of a′ is of either tone. */
function ofTwo(shares: readonly Float64Array[]): boolean {
  const all = shares.length * shares[0].length;
  const parts = [0, 1].map((tone) =>
    shares.reduce((sum, share) => sum + share.filter((value) => Math.abs(value - tone) < NEAR).length, 0),
  );
  return parts[0] + parts[1] >= TONED * all && Math.min(...parts) >= OF_EACH * all;
}

/** What a screen's tones are made of, `[5, P]` for each share; in cells the pixel alone, since a cell has one share. */
function tonesOf({ a, soft, cells }: Sampled, kind: Screen['kind']): Float64Array[] {
  const count = a.length / 3;
  const sources = cells === undefined ? [a, ...soft] : [a];
  return Array.from({ length: kind === 'screen' ? 1 : 3 }, (_, c) => {
    const tones = new Float64Array(SCREEN_TONES * count);
    sources.forEach((planes, k) => {
      for (let i = 0; i < count; i++)
        tones[k * count + i] =
          kind === 'screen'
            ? luma(planes[i], planes[count + i], planes[2 * count + i])
            : planes[c * count + i];
    });
    return tones;
  });
}

/** The knots that each place is between, nine or one of one threshold: the middle one, and the weights of all. */
interface Splines {
  readonly each: number;
  readonly middles: Uint8Array;
  readonly weights: Float64Array;
}

/** The nine knots around each knot, row by row, `[256, 9]`. */
const AROUND = Uint8Array.from({ length: 9 * SCREEN_KNOTS }, (_, k) => {
  const [knot, at] = [Math.floor(k / 9), k % 9];
  const line = (Math.floor(knot / SIDE) + Math.floor(at / 3) + SIDE - 1) % SIDE;
  return line * SIDE + (((knot % SIDE) + (at % 3) + SIDE - 1) % SIDE);
});

function splinesOf([x, y]: readonly [Float64Array, Float64Array], lattice: readonly Frequency[]): Splines {
  const count = x.length * y.length;
  if (lattice.length === 0)
    return { each: 1, middles: new Uint8Array(count), weights: new Float64Array(count).fill(1) };
  const [[x0, y0], [x1, y1]] = [lattice[0], lattice[1] ?? [0, 0]];
  const middles = new Uint8Array(count);
  const weights = new Float64Array(9 * count);
  const [across, down] = [new Float64Array(3), new Float64Array(3)];
  let at = 0;
  for (const v of y) {
    for (const u of x) {
      const i = splineAt(phaseAt(x0, y0, u, v), across);
      const j = splineAt(phaseAt(x1, y1, u, v), down);
      middles[at] = i * SIDE + j;
      for (let k = 0; k < 9; k++) weights[9 * at + k] = across[Math.floor(k / 3)] * down[k % 3];
      at++;
    }
  }
  return { each: 9, middles, weights };
}

/** What bent thresholds cost, added to the lower right of a matrix of `size`. */
function addBends(matrix: Float64Array, size: number, cost: number): void {
  const at = (i: number, j: number): number => ((i + SIDE) % SIDE) * SIDE + ((j + SIDE) % SIDE);
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      for (const [di, dj] of [
        [1, 0],
        [0, 1],
      ]) {
        // prettier-ignore
        const bend = [[at(i - di, j - dj), 1], [at(i, j), -2], [at(i + di, j + dj), 1]] as const; // prettier-ignore
        for (const [one, factor] of bend)
          for (const [other, its] of bend)
            matrix[(SCREEN_TONES + one) * size + SCREEN_TONES + other] += cost * factor * its;
      }
    }
  }
}

/**
 * Gains and thresholds of shares that are alike, and the mean squared error they leave: least squares, in which a
 * full or empty share asks only for as much or more. That is convex, and what still asks is settled by turns.
 */
function fitShares(
  shares: readonly Float64Array[],
  tones: readonly Float64Array[],
  splines: Splines,
  lattice: readonly Frequency[],
  nearFull: number,
  bends: number,
): Channel | undefined {
  const { each, middles, weights } = splines;
  const pixels = shares[0].length;
  const all = shares.length * pixels;
  const count = each === 1 ? 1 : SCREEN_KNOTS;
  const size = SCREEN_TONES + count;
  const knotOf = (middle: number, n: number): number =>
    SCREEN_TONES + (each === 1 ? 0 : AROUND[9 * middle + n]);
  // Sums by middle knot, of each of its knots: with those up to it, with the tones, and with the share.
  const block = (each * (each + 1)) / 2 + each * (SCREEN_TONES + 1);
  const sums = new Float64Array(count * block);
  const ofTones = new Float64Array(SCREEN_TONES * (SCREEN_TONES + 1));
  const asked = shares.map(() => new Uint8Array(pixels));
  const own = new Float64Array(SCREEN_TONES + 1);
  const nearby = new Float64Array(each);

  /** Adds what a pixel asks for, or takes it away. */
  function ask(s: number, i: number, sign: number): void {
    for (let k = 0; k < SCREEN_TONES; k++) own[k] = tones[s][k * pixels + i];
    own[SCREEN_TONES] = Math.min(1, Math.max(0, shares[s][i])) - 0.5;
    for (let k = 0, at = 0; k < SCREEN_TONES; k++) {
      const value = sign * own[k];
      for (let m = 0; m <= SCREEN_TONES; m++) ofTones[at++] += value * own[m];
    }
    for (let n = 0; n < each; n++) nearby[n] = weights[i * each + n];
    for (let n = 0, at = middles[i] * block; n < each; n++) {
      const weight = sign * nearby[n];
      for (let m = 0; m <= n; m++) sums[at++] += weight * nearby[m];
      for (let k = 0; k <= SCREEN_TONES; k++) sums[at++] += weight * own[k];
    }
  }

  /** The least squares of all that is asked, or undefined. */
  function solve(): Float64Array | undefined {
    const matrix = new Float64Array(size * size);
    const right = new Float64Array(size);
    for (let k = 0; k < SCREEN_TONES; k++) {
      for (let m = 0; m < SCREEN_TONES; m++) matrix[k * size + m] = ofTones[k * (SCREEN_TONES + 1) + m] / all;
      matrix[k * size + k] += RIDGE;
      right[k] = ofTones[k * (SCREEN_TONES + 1) + SCREEN_TONES] / all;
    }
    for (let middle = 0, at = 0; middle < count; middle++) {
      for (let n = 0; n < each; n++) {
        const row = knotOf(middle, n);
        for (let m = 0; m <= n; m++) {
          const column = knotOf(middle, m);
          const sum = sums[at++] / all;
          // The lower triangle is all that is read, and a block's is not the matrix's where knots go round.
          matrix[Math.max(row, column) * size + Math.min(row, column)] += sum;
        }
        for (let k = 0; k < SCREEN_TONES; k++) matrix[row * size + k] -= sums[at++] / all;
        right[row] -= sums[at++] / all;
      }
    }
    for (let k = SCREEN_TONES; k < size; k++) matrix[k * size + k] += LOOSE;
    if (each > 1) addBends(matrix, size, bends);
    return solveCholesky(matrix, right, size, 1);
  }

  /** What an unknown solution makes of every pixel, less a half. */
  const madeBy = (solution: Float64Array): Float64Array => {
    const made = new Float64Array(all);
    for (let s = 0, at = 0; s < shares.length; s++) {
      for (let i = 0; i < pixels; i++, at++) {
        let sum = 0;
        for (let k = 0; k < SCREEN_TONES; k++) sum += solution[k] * tones[s][k * pixels + i];
        for (let n = 0; n < each; n++) sum -= weights[i * each + n] * solution[knotOf(middles[i], n)];
        made[at] = sum;
      }
    }
    return made;
  };
  const asks = (share: number, made: number): boolean =>
    !((share > 1 - nearFull && made >= 0.5) || (share < nearFull && made <= -0.5));
  /** How the error changes from `from` on to `to`, at a share of the way. */
  const slope = (from: Float64Array, to: Float64Array, share: number): number => {
    let sum = 0;
    for (let s = 0, at = 0; s < shares.length; s++) {
      for (let i = 0; i < pixels; i++, at++) {
        const way = to[at] - from[at];
        const made = from[at] + share * way;
        const own = shares[s][i];
        if (asks(own, made)) sum += (made + 0.5 - Math.min(1, Math.max(0, own))) * way;
      }
    }
    return sum;
  };

  let solution: Float64Array = new Float64Array(size);
  let made = new Float64Array(all);
  for (let step = 0; step < STEPS; step++) {
    let changed = false;
    for (let s = 0, at = 0; s < shares.length; s++) {
      for (let i = 0; i < pixels; i++, at++) {
        const asking = step === 0 || asks(shares[s][i], made[at]) ? 1 : 0;
        if (asking === asked[s][i]) continue;
        ask(s, i, asking === 1 ? 1 : -1);
        asked[s][i] = asking;
        changed = true;
      }
    }
    if (!changed) break;
    const solved = solve();
    if (solved === undefined) return undefined;
    const next = madeBy(solved);
    // As far as the error falls: what asks on the way is not what asked at its beginning.
    let share = 1;
    if (step > 0 && slope(made, next, 1) > 0) {
      let low = 0;
      for (let k = 0; k < HALVINGS; k++) {
        const middle = (low + share) / 2;
        if (slope(made, next, middle) > 0) share = middle;
        else low = middle;
      }
    }
    solution = solution.map((value, k) => value + share * (solved[k] - value));
    made = made.map((value, k) => value + share * (next[k] - value));
  }
  let error = 0;
  for (let s = 0; s < shares.length; s++) {
    for (let i = 0; i < pixels; i++) {
      const share = Math.min(1, Math.max(0, shares[s][i]));
      error += (Math.min(1, Math.max(0, 0.5 + made[s * pixels + i])) - share) ** 2;
    }
  }
  const found = solution.slice(SCREEN_TONES);
  return {
    lattice,
    gains: solution.slice(0, SCREEN_TONES),
    thresholds: each === 1 ? new Float64Array(SCREEN_KNOTS).fill(found[0]) : found,
    error: error / all,
  };
}

/** The tones that go best with shares, and a′ less what they make of them: the mean squared error. */
function tonesAgain(a2: Float32Array, shares: readonly Float64Array[]): Tones {
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

/** What a channel makes of its tones. */
function drawn(
  { gains, thresholds }: Channel,
  tones: Float64Array,
  { each, middles, weights }: Splines,
): Float64Array {
  const pixels = tones.length / SCREEN_TONES;
  return Float64Array.from({ length: pixels }, (_, i) => {
    let sum = 0.5;
    for (let k = 0; k < SCREEN_TONES; k++) sum += gains[k] * tones[k * pixels + i];
    for (let n = 0; n < each; n++)
      sum -= weights[i * each + n] * thresholds[each === 1 ? 0 : AROUND[9 * middles[i] + n]];
    return Math.min(1, Math.max(0, sum));
  });
}

function errorOf(a2: Float32Array, shares: readonly Float64Array[], [dark, light]: Tones): number {
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

function screenOf(kind: Screen['kind'], [dark, light]: Tones, channels: readonly Channel[]): Screen {
  const lattice = new Float32Array(4 * 3);
  const gains = new Float32Array(SCREEN_TONES * 3);
  const thresholds = new Float32Array(SCREEN_KNOTS * 3);
  for (let c = 0; c < 3; c++) {
    const channel = channels[c % channels.length];
    channel.lattice.flat().forEach((value, k) => (lattice[3 * k + c] = value));
    channel.gains.forEach((value, k) => (gains[3 * k + c] = value));
    channel.thresholds.forEach((value, k) => (thresholds[3 * k + c] = value));
  }
  return { kind, dark: [...dark], light: [...light], lattice, gains, thresholds };
}

/** The mean squared error that a screen leaves of a square of a pair. */
export function errorOfScreen(
  sampled: Sampled,
  { kind, dark, light, lattice, gains, thresholds }: Screen,
): number {
  const places = placesOf(sampled);
  const column = (of: Float32Array, c: number): Float64Array =>
    Float64Array.from({ length: of.length / 3 }, (_, k) => of[3 * k + c]);
  const shares = tonesOf(sampled, kind).map((tones, c) => {
    const [x0, y0, x1, y1] = column(lattice, c);
    const frequencies: Frequency[] = x0 === 0 && y0 === 0 ? [] : [[x0, y0], [x1, y1]]; // prettier-ignore
    const channel = {
      lattice: frequencies,
      gains: column(gains, c),
      thresholds: column(thresholds, c),
      error: 0,
    };
    return drawn(channel, tones, splinesOf(places, frequencies));
  });
  return errorOf(sampled.a2, shares, [Float64Array.from(dark), Float64Array.from(light)]);
}

/** The best screen of a square of a pair and its mean squared error, or undefined where that is above `bound`. */
export function fitScreen(
  sampled: Sampled,
  bound: number,
): { readonly score: number; readonly screen: Screen } | undefined {
  const { a2, side, span, cells } = sampled;
  const ofOne = twoTones(a2, 'screen');
  const kind = ofOne === undefined ? 'screens' : 'screen';
  let tones = ofOne ?? twoTones(a2, 'screens');
  if (tones === undefined) return undefined;
  let shares = sharesOf(a2, tones, kind);
  if (!ofTwo(shares)) return undefined;

  const places = placesOf(sampled);
  const sources = tonesOf(sampled, kind);
  const repeating = (lattice: readonly Frequency[]) => ({ lattice, splines: splinesOf(places, lattice) });
  // Where cells are dithered, all channels are alike.
  const groups = cells === undefined ? shares.map((_, c) => [c]) : [shares.map((_, c) => c)];
  const tried = groups.map(([first]) => {
    const everywhere = repeating([]);
    if (cells !== undefined) {
      const periods = PERIODS.map((period): Frequency[] => [
        [1 / (period * cells.pitch[0]), 0],
        [0, 1 / (period * cells.pitch[1])],
      ]);
      return [everywhere, ...periods.map(repeating)];
    }
    const clamped = shares[first].map((value) => Math.min(1, Math.max(0, value)));
    const found = frequenciesOf(clamped, side).map(([x, y]): Frequency => [x / span.width, y / span.height]);
    return found.length === 0 ? [everywhere] : [everywhere, repeating(found)];
  });

  const bends = cells === undefined ? BENDS : BENDS_OF_CELLS;
  let nearFull: number = FULL[1];
  let best: { score: number; screen: Screen } | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const channels: Channel[] = [];
    const made: Float64Array[] = [];
    for (const [g, members] of groups.entries()) {
      const fitTo = ({ lattice, splines }: (typeof tried)[0][0]): Channel | undefined => {
        const [own, ownTones] = [members.map((c) => shares[c]), members.map((c) => sources[c])];
        return fitShares(own, ownTones, splines, lattice, nearFull, bends);
      };
      // The first that leaves much less than those before it; after the first round it is settled which that is.
      let chosen: { way: (typeof tried)[0][0]; channel: Channel } | undefined;
      for (const way of tried[g]) {
        const channel = fitTo(way);
        if (channel !== undefined && channel.error <= REPEATED * (chosen?.channel.error ?? Infinity))
          chosen = { way, channel };
      }
      if (chosen === undefined) return undefined;
      tried[g] = [chosen.way];
      for (const c of members) {
        channels[c] = chosen.channel;
        made[c] = drawn(chosen.channel, sources[c], chosen.way.splines);
      }
    }
    tones = tonesAgain(a2, made);
    shares = sharesOf(a2, tones, kind);
    best = { score: errorOf(a2, made, tones), screen: screenOf(kind, tones, channels) };
    if (best.score > HOPELESS * bound || !ofTwo(shares)) return undefined;
    // Most of what is off is noise, such as a JPEG has.
    const off = new Float64Array(shares.length * side * side);
    shares.forEach((share, c) =>
      share.forEach((value, i) => (off[c * side * side + i] = Math.abs(value - made[c][i]))),
    );
    nearFull = Math.min(Math.max(NOISE * off.sort()[off.length >> 1], FULL[0]), FULL[1]);
  }
  return best !== undefined && best.score <= bound ? best : undefined;
}
