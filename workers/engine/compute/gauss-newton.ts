/**
 * Gauss-Newton's steps towards the warp of a pair at one level of the pyramid (docs/architecture.md, "Warp");
 * warp-fit.ts says from where, and how many.
 */
import { solveCholesky } from './cholesky';
import { WARP_DEGREE } from './compute';
import { withSlopes } from './pyramid';
import { evaluate, rowPolynomials } from './reference/warp';

/** A squared error that counts half. */
const FLAW = 0.01;
const LEAST_INSIDE = 0.2;
const OUTSIDE_COSTS = 0.15;
/** Bounds of the squared error beyond which a pixel loses its weight. */
const SCALES = [0.02 ** 2, 0.15 ** 2] as const;
const DAMPING = 1e-3;
const LARGEST_CHANGE = 0.5;
/** Powers of a position that moments are made of. */
const POWERS = 2 * WARP_DEGREE + 1;

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** What is done at one level of the pyramid, and the room to do it in. */
export interface Level {
  readonly size: number;
  /** Of each picture to read from: `[S, S, channels, 3]` as `withSlopes` makes it. */
  readonly sources: readonly Float32Array[];
  /** a′, planar `[channels, S, S]` */
  readonly edited: Float32Array;
  /** `[S, 11]`: the positions of an axis to every power. */
  readonly powers: Float64Array;
  /** `[S, S]`: the squared error of every pixel, its mean over channels; below 0 outside. */
  readonly errors: Float64Array;
  /** `[S, S, 5]`: m_x², m_x·m_y, m_y², m_x·(a′ − m), m_y·(a′ − m) of every pixel inside, summed over channels. */
  readonly products: Float64Array;
}

export function levelOf(sources: readonly Float32Array[], edited: Float32Array, size: number): Level {
  return {
    size,
    sources: sources.map((planes) => withSlopes(planes, size)),
    edited,
    powers: Float64Array.from(
      { length: size * POWERS },
      (_, i) => ((2 * Math.floor(i / POWERS) + 1) / size - 1) ** (i % POWERS),
    ),
    errors: new Float64Array(size * size),
    products: new Float64Array(5 * size * size),
  };
}

export interface Candidate {
  /** Which of the pictures it reads. */
  readonly source: number;
  /** `[2, K]` */
  readonly coefficients: Float64Array;
  readonly cost: number;
}

/** Reads one row of the picture where the warp says, into the level's errors and products. */
function readRow(
  { size, edited, errors, products }: Level,
  sloped: Float32Array,
  y: number,
  warp: Float64Array,
): void {
  const terms = warp.length / 2;
  const channels = edited.length / (size * size);
  const stride = 3 * channels;
  for (let i = 0; i < size; i++) {
    const at = y * size + i;
    const x = (2 * i + 1) / size - 1;
    const toX = evaluate(warp, 0, terms, x);
    const toY = evaluate(warp, terms, terms, x);
    if (!(Math.abs(toX) <= 1 && Math.abs(toY) <= 1)) {
      errors[at] = -1;
      continue;
    }
    const column = ((toX + 1) * size - 1) / 2;
    const row = ((toY + 1) * size - 1) / 2;
    const left = Math.floor(column);
    const top = Math.floor(row);
    const right = stride * (Math.min(size - 1, left + 1) - Math.max(0, left));
    const first = stride * (Math.max(0, top) * size + Math.max(0, left));
    const second = first + stride * size * (Math.min(size - 1, top + 1) - Math.max(0, top));
    const alongX = column - left;
    const alongY = row - top;
    const at00 = (1 - alongX) * (1 - alongY);
    const at10 = alongX * (1 - alongY);
    const at01 = (1 - alongX) * alongY;
    const at11 = alongX * alongY;
    let error = 0;
    let xx = 0;
    let xy = 0;
    let yy = 0;
    let xe = 0;
    let ye = 0;
    for (let c = 0; c < channels; c++) {
      const p = first + 3 * c;
      const q = second + 3 * c;
      const m = at00 * sloped[p] + at10 * sloped[p + right] + at01 * sloped[q] + at11 * sloped[q + right];
      const mx =
        at00 * sloped[p + 1] +
        at10 * sloped[p + right + 1] +
        at01 * sloped[q + 1] +
        at11 * sloped[q + right + 1];
      const my =
        at00 * sloped[p + 2] +
        at10 * sloped[p + right + 2] +
        at01 * sloped[q + 2] +
        at11 * sloped[q + right + 2];
      const rest = edited[c * size * size + at] - m;
      error += rest * rest;
      xx += mx * mx;
      xy += mx * my;
      yy += my * my;
      xe += mx * rest;
      ye += my * rest;
    }
    errors[at] = error / channels;
    products[5 * at] = xx;
    products[5 * at + 1] = xy;
    products[5 * at + 2] = yy;
    products[5 * at + 3] = xe;
    products[5 * at + 4] = ye;
  }
}

/** The cost of what was read, and the mean error inside. */
function judge({ size, errors }: Level): { readonly cost: number; readonly mean: number } {
  let [pixels, sum, lost] = [0, 0, 0];
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i];
    if (error < 0) continue;
    pixels++;
    sum += error;
    lost += error / (error + FLAW);
  }
  const share = pixels / (size * size);
  const most = Math.max(1, pixels);
  return {
    cost: share < LEAST_INSIDE ? Infinity : lost / most + OUTSIDE_COSTS * (1 - share),
    mean: sum / most,
  };
}

/**
 * The change `[2, K]` of the coefficients that Gauss-Newton asks for, from what was read last. Products of
 * the monomials are monomials too: the normal equations are made of moments, sums of weight·x^k·y^l.
 */
function changeOf(
  { size, powers, errors, products }: Level,
  scale: number,
  degree: number,
): Float64Array | undefined {
  const high = 2 * degree + 1;
  /** For each of the five products, `[5, l, k]`; the last two need no more than `degree`. */
  const moments = new Float64Array(5 * high * high);
  const row = new Float64Array(5 * high);
  for (let y = 0; y < size; y++) {
    row.fill(0);
    for (let x = 0; x < size; x++) {
      const at = y * size + x;
      const error = errors[at];
      if (error < 0) continue;
      const lost = 1 + error / scale;
      const weight = 1 / (lost * lost);
      const xx = weight * products[5 * at];
      const xy = weight * products[5 * at + 1];
      const yy = weight * products[5 * at + 2];
      const xe = weight * products[5 * at + 3];
      const ye = weight * products[5 * at + 4];
      for (let k = 0; k < high; k++) {
        const power = powers[x * POWERS + k];
        row[k] += xx * power;
        row[high + k] += xy * power;
        row[2 * high + k] += yy * power;
        if (k > degree) continue;
        row[3 * high + k] += xe * power;
        row[4 * high + k] += ye * power;
      }
    }
    for (let q = 0; q < 5; q++) {
      for (let l = 0; l < high; l++) {
        const power = powers[y * POWERS + l];
        for (let k = 0; k < high; k++) moments[(q * high + l) * high + k] += power * row[q * high + k];
      }
    }
  }
  return solve(moments, degree);
}

function solve(moments: Float64Array, degree: number): Float64Array | undefined {
  const high = 2 * degree + 1;
  const monomials: (readonly [number, number])[] = [];
  for (let n = 0; n <= degree; n++) for (let j = 0; j <= n; j++) monomials.push([n - j, j]);
  const count = monomials.length;
  const unknowns = 2 * count;
  const matrix = new Float64Array(unknowns * unknowns);
  const right = new Float64Array(unknowns);
  monomials.forEach(([i, j], p) => {
    for (let half = 0; half < 2; half++) {
      right[half * count + p] = moments[((3 + half) * high + j) * high + i];
      for (let other = 0; other < 2; other++) {
        monomials.forEach(([k, l], q) => {
          const moment = moments[((half + other) * high + j + l) * high + i + k];
          matrix[(half * count + p) * unknowns + other * count + q] = moment;
        });
      }
    }
  });
  let mean = 0;
  for (let p = 0; p < unknowns; p++) mean += matrix[p * (unknowns + 1)] / unknowns;
  for (let p = 0; p < unknowns; p++) {
    matrix[p * (unknowns + 1)] += DAMPING * matrix[p * (unknowns + 1)] + 1e-6 * mean + 1e-9;
  }
  return solveCholesky(matrix, right, unknowns, 1);
}

/** `[2, K]` with zeros for the monomials that a higher degree has besides. */
export function ofDegree(coefficients: Float64Array, degree: number): Float64Array {
  const half = coefficients.length / 2;
  const count = ((degree + 1) * (degree + 2)) / 2;
  const out = new Float64Array(2 * count);
  out.set(coefficients.subarray(0, half));
  out.set(coefficients.subarray(half), count);
  return out;
}

/** The best of the warps that `steps` Gauss-Newton steps of a candidate come through. */
export function improve(
  level: Level,
  { source, coefficients }: Candidate,
  degree: number,
  steps: number,
): Candidate {
  const row = new Float64Array(2 * (degree + 1));
  let at = ofDegree(coefficients, degree);
  let best: Candidate = { source, coefficients: at, cost: Infinity };
  for (let step = 0; ; step++) {
    for (let y = 0; y < level.size; y++) {
      rowPolynomials(at, degree, (2 * y + 1) / level.size - 1, row);
      readRow(level, level.sources[source], y, row);
    }
    const { cost, mean } = judge(level);
    if (cost < best.cost) best = { source, coefficients: at, cost };
    if (step === steps) return best;
    const change = changeOf(level, clamp(mean, ...SCALES), degree);
    if (change === undefined) return best;
    at = at.map((value, k) => value + clamp(change[k], -LARGEST_CHANGE, LARGEST_CHANGE));
  }
}
