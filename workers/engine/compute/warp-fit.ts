/**
 * Looks for the warp of a pair, from coarse to fine (docs/architecture.md, "Warp"; the same search is
 * training/likewise/warp.py). In TypeScript on both backends, from a and a′ read back.
 */
import { OUTSIDES, WARP_DEGREE, type ChannelWarp, type SmoothWarp } from './compute';
import { clamp, improve, levelOf, ofDegree, type Candidate, type Level } from './gauss-newton';
import { halved } from './pyramid';
import type { Means } from './table-fit';
import { evaluate, movedPlanes, rowPolynomials } from './reference/warp';

/** The pyramid's last level is at least this large. */
const COARSEST = 32;
/** Steps of every level after the coarsest; the finest needs few, it starts within a pixel. */
const STEPS = [8, 5, 3] as const;
/** Of every level, for channels apart. */
const CHANNEL_STEPS = [8, 8, 5, 3] as const;
/** Pixels of S that two channels must read apart, at the least. */
const APART = 0.5;
/** How many candidates go on after degree 1 and after degree 3. */
const KEPT = [8, 3] as const;
const BINS = 256;

/** Index of the first of the ascending `values` that is ≥ `value`, at least 1 and at most the last. */
function firstNotBelow(values: Float64Array, value: number): number {
  const found = values.findIndex((each) => each >= value);
  return clamp(found < 0 ? values.length : found, 1, values.length - 1);
}

/** A plane whose histogram of 256 bins is the other's. */
function matchPlane(plane: Float32Array, other: Float32Array, out: Float32Array): void {
  const bin = (value: number): number => Math.round(value * (BINS - 1));
  /** The share of pixels below the middle of every bin. */
  function sharesBelow(values: Float32Array): Float64Array {
    const counts = new Float64Array(BINS);
    for (const value of values) counts[bin(value)]++;
    let sum = 0;
    return counts.map((count) => ((sum += count) - count / 2) / values.length);
  }
  const target = sharesBelow(other);
  const table = sharesBelow(plane).map((share) => {
    const high = firstNotBelow(target, share);
    const rest = (share - target[high - 1]) / Math.max(1e-9, target[high] - target[high - 1]);
    return (high - 1 + clamp(rest, 0, 1)) / (BINS - 1);
  });
  for (let i = 0; i < plane.length; i++) out[i] = table[bin(plane[i])];
}

/** a with the histogram of a′ in each channel, planar `[3, S, S]`. */
export function matched({ a, a2 }: Means): Float32Array<ArrayBuffer> {
  const out = new Float32Array(a.length);
  const plane = a.length / 3;
  for (let at = 0; at < a.length; at += plane) {
    const part = (planes: Float32Array): Float32Array => planes.subarray(at, at + plane);
    matchPlane(part(a), part(a2), part(out));
  }
  return out;
}

/** What a warp is looked for in: a, and a with the histograms of a′. */
export function sourcesOf(pair: Means): Float32Array[] {
  return [pair.a, matched(pair)];
}

/** From the finest to the coarsest. */
function pyramid(sources: readonly Float32Array[], edited: Float32Array, size: number): Level[] {
  const level = levelOf(sources, edited, size);
  if (size < 2 * COARSEST) return [level];
  const smaller = sources.map((planes) => halved(planes, size));
  return [level, ...pyramid(smaller, halved(edited, size), Math.floor(size / 2))];
}

/** Stretched, turned and shifted starts of one picture, affine. */
function starts(source: number): Candidate[] {
  const made: number[][] = [];
  for (const across of [0.6, 1, 1.5]) {
    for (const down of [0.6, 1, 1.5]) {
      for (const angle of [-0.3, 0, 0.3]) {
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        made.push([0, across * cos - 1, -down * sin, 0, across * sin, down * cos - 1]);
      }
    }
  }
  for (const x of [-0.4, 0, 0.4]) {
    for (const y of [-0.4, 0, 0.4]) if (x !== 0 || y !== 0) made.push([x, 0, 0, y, 0, 0]);
  }
  return made.map((start) => ({ source, coefficients: Float64Array.from(start), cost: Infinity }));
}

/** All candidates improved, and the `kept` best of them. */
function refine(
  level: Level,
  candidates: readonly Candidate[],
  degree: number,
  steps: number,
  kept: number,
): Candidate[] {
  const improved = candidates.map((candidate) => improve(level, candidate, degree, steps));
  // Not a difference: costs can be infinite.
  return improved
    .toSorted((one, other) => (one.cost < other.cost ? -1 : Number(one.cost > other.cost)))
    .slice(0, kept);
}

/** Of the pictures to read from, planar, the one and the coefficients `[2, 21]` that make a′ best. */
function search(sources: readonly Float32Array[], edited: Float32Array, size: number): Candidate {
  const [coarsest, ...finer] = pyramid(sources, edited, size).toReversed();
  let candidates = sources.flatMap((_, source) => starts(source));
  candidates = refine(coarsest, candidates, 1, 6, KEPT[0]);
  candidates = refine(coarsest, candidates, 3, 8, KEPT[1]);
  finer.slice(0, STEPS.length).forEach((level, k) => {
    candidates = refine(level, candidates, WARP_DEGREE, STEPS[k], 1);
  });
  const [best] = candidates;
  return { ...best, coefficients: ofDegree(best.coefficients, WARP_DEGREE) };
}

function squaredError(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return sum / one.length;
}

/** An error as a share of that of a picture as it is. */
function shareOf(error: number, source: Float32Array, edited: Float32Array): number {
  return error / Math.max(1e-9, squaredError(source, edited));
}

/** The mean of a′ where the warp reads outside; black where it nowhere does. */
function colourOutside(coefficients: Float64Array, edited: Float32Array, size: number): SmoothWarp['colour'] {
  const plane = size * size;
  const terms = WARP_DEGREE + 1;
  const row = new Float64Array(2 * terms);
  const sums: [number, number, number] = [0, 0, 0];
  let pixels = 0;
  for (let i = 0; i < plane; i++) {
    if (i % size === 0) rowPolynomials(coefficients, WARP_DEGREE, (2 * (i / size) + 1) / size - 1, row);
    const x = (2 * (i % size) + 1) / size - 1;
    if (Math.max(Math.abs(evaluate(row, 0, terms, x)), Math.abs(evaluate(row, terms, terms, x))) <= 1)
      continue;
    pixels++;
    for (let c = 0; c < 3; c++) sums[c] += edited[c * plane + i];
  }
  const [r, g, b] = sums.map((sum) => sum / Math.max(1, pixels));
  return [r, g, b];
}

/**
 * Where each channel of a′ reads the same channel of a, or of a with the histograms of a′, and the share that it leaves
 * of the squared error of that picture; undefined where all read alike.
 */
export function fitChannels(
  pair: Means,
  sources = sourcesOf(pair),
): { readonly warp: ChannelWarp; readonly left: number } | undefined {
  const { a2, size } = pair;
  const plane = size * size;
  const found = [0, 1, 2].map((c) => {
    const [edited, ...own] = [a2, ...sources].map((planes) => planes.subarray(c * plane, (c + 1) * plane));
    const levels = pyramid(own, edited, size).toReversed();
    return sources.map((_, source) => {
      const start: Candidate = { source, coefficients: new Float64Array(6), cost: Infinity };
      return levels.reduce((from, level, k) => improve(level, from, 1, CHANNEL_STEPS[k]), start);
    });
  });
  const costs = sources.map((_, source) => found.reduce((sum, of) => sum + of[source].cost, 0));
  const way = costs[1] < costs[0] ? 1 : 0;
  const channels = Float32Array.from(found.flatMap((of) => [...of[way].coefficients]));
  // The furthest that two channels are apart is at a corner.
  let reach = 0;
  for (const [one, other] of [
    [0, 6],
    [0, 12],
    [6, 12],
  ]) {
    for (const axis of [0, 3]) {
      let sum = 0;
      for (let k = axis; k < axis + 3; k++) sum += Math.abs(channels[one + k] - channels[other + k]);
      reach = Math.max(reach, sum);
    }
  }
  if ((reach * size) / 2 < APART) return undefined;
  const error = squaredError(movedPlanes(sources[way], size, { channels }), a2);
  return { warp: { channels }, left: shareOf(error, sources[way], a2) };
}

/** The best warp of a pair, and the share that it leaves of the squared error of the picture it was found in. */
export function fitWarp(
  pair: Means,
  sources = sourcesOf(pair),
): { readonly warp: SmoothWarp; readonly left: number } {
  const { a2, size } = pair;
  const found = search(sources, a2, size);
  const source = sources[found.source];
  const coefficients = Float32Array.from(found.coefficients);
  const colour = colourOutside(found.coefficients, a2, size);
  const tried = OUTSIDES.map((outside) => {
    const warp = { coefficients, outside, colour };
    return { warp, error: squaredError(movedPlanes(source, size, warp), a2) };
  });
  const best = tried.reduce((one, other) => (other.error < one.error ? other : one));
  return { warp: best.warp, left: shareOf(best.error, source, a2) };
}
