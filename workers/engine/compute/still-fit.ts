/**
 * The anchor of a pair as if nothing had moved and nothing had been laid over it (docs/architecture.md, "Anchor
 * fit"): cross-validated ridge regression over nested groups of features, and lookups, in double precision.
 */
import {
  ANCHOR_BLOCKS,
  ANCHOR_COLUMNS,
  ANCHOR_FEATURES,
  type Anchor,
  type FilterKind,
  type LocalKind,
  type Luma,
  type PointKind,
  type Screen,
} from './compute';
import { solveCholesky } from './cholesky';
import { fitHue } from './hue-fit';
import type { Sketch } from './layer-paint';
import { scoreLocal } from './local-fit';
import { scoreLookup } from './lookup-fit';
import { BLUR_SIGMAS, blurOf, FEATURE_BLURS } from './reference/fields';
import { LUMAS } from './reference/lookup';
import { fitScreen } from './screen-fit';
import { type Folds, type Pair, type ScoredLookup } from './table-fit';

const FOLDS = 4;
const RIDGES = [1e-6, 1e-4, 1e-2] as const;
/** An anchor must explain at least a fifth of what leaving `a` alone does not. */
const WORTHWHILE = 0.8;
const NEARLY_AS_GOOD = 1.1;
const TINY = 1e-6;
/** Beside the best of pixels: they are rounded to bytes, and no eye tells 50 dB from more. */
export const TINY_OF_PIXELS = 1e-5;
/** Local lookups, screens, and layers, are looked at where the best of the others leaves more than this, 50 dB. */
export const UNEXPLAINED = 1e-5;
/** Of what a table of Rec. 601's luma leaves, the most that one of another may. */
const OTHER_LUMA = 0.5;
/** The most that one may leave of (a′ − a)²: its many values fit what is no function of them. */
const LOCAL = 0.5;
/**
 * The most that a hue lookup may leave of the best without one: on few weights, since a JPEG's noise is left by both, and
 * on those of *tone*; and at all: of dots it explains a share too.
 */
const HUED = [0.85, 0.65] as const;
const HUED_AT_ALL = 1e-3;
/** Cells, finer screens, and channels apart are looked at where the best of the others leaves more than this, 40 dB. */
export const TONED = 1e-4;
/** The most that a screen may leave of it. */
export const SCREENED = 0.25;

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Candidates with features of their own. */
const FEATURES = {
  colour: range(0, 9),
  tone: range(0, 21),
  copies: [...range(0, 9), ...range(61, 81)],
  detail: [...range(0, 21), ...range(46, 60)],
  light: range(0, 45),
  full: range(0, 60),
} as const satisfies Record<string, readonly number[]>;

/** In order of preference: an earlier candidate wins a near tie. */
const CANDIDATES = [
  'colour',
  'tone',
  'copies',
  'gradient',
  'detail',
  'light',
  'full',
  'channel',
  'luma',
  'soft channel',
  'soft luma',
] as const satisfies readonly (keyof typeof FEATURES | PointKind)[];

/** Of these, what looks at a pixel alone and at where it is. */
const OF_PIXELS: readonly string[] = ['colour', 'tone', 'copies', 'light', 'channel', 'luma'];

export type AnchorName =
  'none' | (typeof CANDIDATES)[number] | LocalKind | FilterKind | 'hue' | Screen['kind'];

export interface AnchorFit extends Anchor {
  readonly name: AnchorName;
  /** Cross-validated mean squared error of the choice, in image units squared. */
  readonly score: number;
  /** Of filters: the same of means of pixels, which is what fits to means leave. */
  readonly scoreOfMeans?: number;
  /** The luma of which a′ is most nearly a function. */
  readonly luma: Luma;
  /** The layer as it was found, where there is one. */
  readonly sketch?: Sketch;
}

type Solution = Pick<Anchor, 'weights' | 'lookup'>;

interface Scored {
  readonly name: AnchorName;
  readonly score: number;
  /** Fits the candidate to the whole pair; undefined where that has no solution. */
  solve(): Solution | undefined;
}

function add(into: Float64Array, from: Float64Array | Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] += from[i];
}

/** The sums of the blocks of each fold, `[4][85 × 85]`. */
function foldSums(gram: Float32Array): Float64Array[] {
  const square = ANCHOR_COLUMNS * ANCHOR_COLUMNS;
  const folds = Array.from({ length: FOLDS }, () => new Float64Array(square));
  for (let row = 0; row < ANCHOR_BLOCKS; row++) {
    for (let column = 0; column < ANCHOR_BLOCKS; column++) {
      const block = row * ANCHOR_BLOCKS + column;
      add(folds[foldOf(row, column)], gram.subarray(block * square, (block + 1) * square));
    }
  }
  return folds;
}

function sumOf(parts: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(parts[0].length);
  for (const part of parts) add(sum, part);
  return sum;
}

const at = (row: number, column: number): number => row * ANCHOR_COLUMNS + column;

/** Ridge weights `[features, 3]`, or undefined where the system is not positive definite. */
function solve(gram: Float64Array, features: readonly number[], ridge: number): Float64Array | undefined {
  const size = features.length;
  // Feature 0 is 1 everywhere, so its square sums to the number of pixels.
  const pixels = gram[0];
  const matrix = new Float64Array(size * size);
  const right = new Float64Array(size * 3);
  features.forEach((f, i) => {
    features.forEach((g, j) => {
      matrix[i * size + j] = gram[at(f, g)] / pixels;
    });
    if (f !== 0) matrix[i * size + i] += ridge;
    for (let c = 0; c < 3; c++) right[i * 3 + c] = gram[at(f, ANCHOR_FEATURES + c)] / pixels;
  });
  return solveCholesky(matrix, right, size, 3);
}

/** Σ (y − x·w)² over the pixels and channels that `gram` sums. */
function squaredError(gram: Float64Array, features: readonly number[], weights: Float64Array): number {
  let error = 0;
  for (let c = 0; c < 3; c++) {
    const y = ANCHOR_FEATURES + c;
    error += gram[at(y, y)];
    features.forEach((f, i) => {
      const weight = weights[i * 3 + c];
      let fitted = 0;
      features.forEach((g, j) => {
        fitted += gram[at(f, g)] * weights[j * 3 + c];
      });
      error += weight * (fitted - 2 * gram[at(f, y)]);
    });
  }
  return error;
}

function crossValidate(folds: readonly Float64Array[], features: readonly number[], ridge: number): number {
  let error = 0;
  let pixels = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    const weights = solve(sumOf(folds.filter((_, i) => i !== fold)), features, ridge);
    if (weights === undefined) return Infinity;
    error += squaredError(folds[fold], features, weights);
    pixels += folds[fold][0];
  }
  // Rounding in the Gram matrices can take a perfect fit below zero.
  return Math.max(0, error) / (3 * pixels);
}

function scoreFeatures(
  name: keyof typeof FEATURES,
  folds: readonly Float64Array[],
  all: Float64Array,
): Scored {
  const features = FEATURES[name];
  let best = { score: Infinity, ridge: 0 };
  for (const ridge of RIDGES) {
    const score = crossValidate(folds, features, ridge);
    if (score <= best.score) best = { score, ridge };
  }
  return {
    name,
    score: best.score,
    solve() {
      const solved = solve(all, features, best.ridge);
      if (solved === undefined) return undefined;
      const weights = noWeights();
      features.forEach((f, i) => weights.set(solved.subarray(i * 3, i * 3 + 3), f * 3));
      return { weights };
    },
  };
}

export function noWeights(): Float32Array<ArrayBuffer> {
  return new Float32Array(ANCHOR_FEATURES * 3);
}

function foldOf(row: number, column: number): number {
  return (column + 2 * row) % FOLDS;
}

/** The fold of every pixel of a pair. */
export function foldsOfPixels(size: number): Folds {
  const block = Array.from({ length: size }, (_, i) => Math.floor((i * ANCHOR_BLOCKS) / size));
  const of = new Uint8Array(size * size);
  let at = 0;
  for (const row of block) for (const column of block) of[at++] = foldOf(row, column);
  return { of, count: FOLDS };
}

/** Blurs of a as a screen's tones are made of them, `[3, S, S]` each. */
function softOf({ fields, size }: Pair): Float32Array[] {
  return BLUR_SIGMAS.slice(0, FEATURE_BLURS).map((sigma) => blurOf(fields, size, sigma));
}

/** A hue lookup in the place of `fit`, if it leaves much less. */
function hued(fit: AnchorFit, pair: Pair, places: Folds): AnchorFit {
  if (fit.score <= UNEXPLAINED) return fit;
  const bounds = HUED.map((share) => Math.min(share * fit.score, HUED_AT_ALL));
  const found = fitHue(pair, places, RIDGES, bounds);
  return found === undefined ? fit : { ...found, name: 'hue', luma: fit.luma };
}

/** A screen in the place of `fit`, if it leaves much less. */
function screened(fit: AnchorFit, pair: Pair): AnchorFit {
  if (fit.score <= UNEXPLAINED || pair.filtered === true) return fit;
  const { a, a2, size, cells } = pair;
  const span = { left: 0, top: 0, width: 1, height: 1 };
  const found = fitScreen(
    { side: size, a, a2, soft: softOf(pair), span, cells },
    fit.luma,
    SCREENED * fit.score,
  );
  if (found === undefined) return fit;
  return { ...found, name: found.screen.kind, weights: noWeights(), luma: fit.luma };
}

/**
 * The anchor without a warp, as if a were the picture that is edited. `gram` is `[16, 85, 85]` of the pair
 * as `Compute.anchorGram` returns it; scores that differ by `tolerance` count as alike.
 */
export function fitStill(gram: Float32Array, pair: Pair, tolerance = TINY): AnchorFit {
  const places = foldsOfPixels(pair.size);
  return screened(hued(fitPlain(gram, pair, places, tolerance), pair, places), pair);
}

/**
 * The same of what lies under a layer, to pixels, without hue lookups: where these leave only what an edit of colours cuts
 * off, that looks like a layer.
 */
export function fitUnder(gram: Float32Array, pair: Pair): AnchorFit {
  return screened(fitPlain(gram, pair, foldsOfPixels(pair.size), TINY_OF_PIXELS), pair);
}

/** The best of features and lookups. */
function fitPlain(gram: Float32Array, pair: Pair, places: Folds, tolerance: number): AnchorFit {
  const folds = foldSums(gram);
  const all = sumOf(folds);
  const unchanged = squaredError(all, [], new Float64Array()) / (3 * all[0]);
  const nothing: AnchorFit = { name: 'none', weights: noWeights(), score: unchanged, luma: LUMAS[0] };
  if (unchanged < TINY) return nothing;

  const asGood = (score: number, as: number): boolean => score <= NEARLY_AS_GOOD * as + tolerance;
  const lumas = LUMAS.map((luma) => ({ luma, ...scoreLookup('luma', luma, pair, places, RIDGES) }));
  const closest = lumas.reduce((one, other) => (other.score < one.score ? other : one));
  const ofLuma = closest.score <= OTHER_LUMA * lumas[0].score ? closest : lumas[0];
  const luma: Luma = ofLuma.luma;
  const leave = { ...nothing, luma };
  const withTable = (name: AnchorName, { score, solve: table }: ScoredLookup): Scored => ({
    name,
    score,
    solve: () => ({ weights: noWeights(), lookup: table() }),
  });
  const filtered = pair.filtered === true;
  const tried = CANDIDATES.filter((name) => !filtered || OF_PIXELS.includes(name));
  const scored = tried.map((name): Scored => {
    if (isFeatures(name)) return scoreFeatures(name, folds, all);
    return withTable(name, name === 'luma' ? ofLuma : scoreLookup(name, luma, pair, places, RIDGES));
  });
  const best = Math.min(...scored.map(({ score }) => score));
  const finish = ({ name, score, solve: solution }: Scored): AnchorFit => {
    const solved = solution();
    return solved === undefined ? leave : { name, score, luma, ...solved };
  };
  if (best > UNEXPLAINED && !filtered) {
    const bound = Math.min((best - tolerance) / NEARLY_AS_GOOD, LOCAL * unchanged);
    const local = scoreLocal(luma, pair, places, RIDGES, bound);
    if (local !== undefined) return finish(withTable(local.kind, local));
  }
  if (best > WORTHWHILE * unchanged || asGood(unchanged, best)) return leave;
  const chosen = scored.find(({ score }) => asGood(score, best));
  return chosen === undefined ? leave : finish(chosen);
}

function isFeatures(name: keyof typeof FEATURES | PointKind): name is keyof typeof FEATURES {
  return name in FEATURES;
}
