/**
 * Chooses and solves the anchor from the pair and its Gram matrices (docs/architecture.md, "Anchor fit"):
 * cross-validated ridge regression over nested groups of features, and lookups, in double precision; and
 * once more under a layer ("Layer"), or where a warp helps ("Warp").
 */
import {
  ANCHOR_BLOCKS,
  ANCHOR_COLUMNS,
  ANCHOR_FEATURES,
  type Anchor,
  type Compute,
  type FullImage,
  type LocalKind,
  type PointKind,
  type Tensor,
  type Warp,
} from './compute';
import { Arena } from '../arena';
import { thin } from '../image/thin';
import type { RgbaImage } from '../protocol';
import { agreedTone } from './agreed-fit';
import { solveCholesky } from './cholesky';
import { findLayer, signsOf, type FoundLayer } from './layer-fit';
import { AS_IT_WAS, EDITED, HIDDEN, type Sketch, type Trust } from './layer-paint';
import { scoreLocal } from './local-fit';
import { scoreLookup } from './lookup-fit';
import { matchPair } from './patch-match';
import { pixelsAt } from './reference/pixels';
import { sideOf } from './shapes';
import { type Folds, type Pair, type ScoredLookup } from './table-fit';
import { fitWarp } from './warp-fit';

const FOLDS = 4;
const RIDGES = [1e-6, 1e-4, 1e-2] as const;
/** An anchor must explain at least a fifth of what leaving `a` alone does not. */
const WORTHWHILE = 0.8;
const NEARLY_AS_GOOD = 1.1;
const TINY = 1e-6;
/** Beside the best of pixels: they are rounded to bytes, and no eye tells 50 dB from more. */
const TINY_OF_PIXELS = 1e-5;
/** Local lookups are looked at where the best of the others leaves more than this, 50 dB. */
const UNEXPLAINED = 1e-5;
/** The most that one may leave of (a′ − a)²: its many values fit what is no function of them. */
const LOCAL = 0.5;
/** What lies under a layer is looked for where the best fit leaves more than this, 45 dB. */
const UNDER = 3e-5;
/** The most that an anchor with a layer may leave of what the best without one leaves. */
const LAYERED = 0.25;
/** How often what lies under it is fitted, and the most that it may leave, 47 dB: what no anchor explains looks like a layer. */
const REFITS = 3;
const SOLVED = 2e-5;
/** A warp is looked for where the best fit leaves more than this mean squared error, 30 dB. */
const UNSOLVED = 1e-3;
/** The most that a warp may leave of it, alone and with a fit on top; correspondences are far freer. */
const WARPED = 0.5;
const MATCHED = 0.25;

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

export type AnchorName = 'none' | (typeof CANDIDATES)[number] | LocalKind;

export interface AnchorFit extends Anchor {
  readonly name: AnchorName;
  /** Cross-validated mean squared error of the choice, in image units squared. */
  readonly score: number;
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

function noWeights(): Float32Array<ArrayBuffer> {
  return new Float32Array(ANCHOR_FEATURES * 3);
}

function foldOf(row: number, column: number): number {
  return (column + 2 * row) % FOLDS;
}

/** The fold of every pixel of a pair. */
function foldsOfPixels(size: number): Folds {
  const block = Array.from({ length: size }, (_, i) => Math.floor((i * ANCHOR_BLOCKS) / size));
  const of = new Uint8Array(size * size);
  let at = 0;
  for (const row of block) for (const column of block) of[at++] = foldOf(row, column);
  return { of, count: FOLDS };
}

/**
 * The anchor without a warp, as if a were the picture that is edited. `gram` is `[16, 85, 85]` of the pair
 * as `Compute.anchorGram` returns it; scores that differ by `tolerance` count as alike.
 */
export function fitStill(gram: Float32Array, pair: Pair, tolerance = TINY): AnchorFit {
  const folds = foldSums(gram);
  const all = sumOf(folds);
  const unchanged = squaredError(all, [], new Float64Array()) / (3 * all[0]);
  const leave: AnchorFit = { name: 'none', weights: noWeights(), score: unchanged };
  if (unchanged < TINY) return leave;

  const places = foldsOfPixels(pair.size);
  const withTable = (name: AnchorName, { score, solve: table }: ScoredLookup): Scored => ({
    name,
    score,
    solve: () => ({ weights: noWeights(), lookup: table() }),
  });
  const scored = CANDIDATES.map((name): Scored => {
    if (isFeatures(name)) return scoreFeatures(name, folds, all);
    return withTable(name, scoreLookup(name, pair, places, RIDGES));
  });
  const best = Math.min(...scored.map(({ score }) => score));
  const asGood = (score: number, as: number): boolean => score <= NEARLY_AS_GOOD * as + tolerance;
  const finish = ({ name, score, solve: solution }: Scored): AnchorFit => {
    const solved = solution();
    return solved === undefined ? leave : { name, score, ...solved };
  };
  if (best > UNEXPLAINED) {
    const bound = Math.min((best - tolerance) / NEARLY_AS_GOOD, LOCAL * unchanged);
    const local = scoreLocal(pair, places, RIDGES, bound);
    if (local !== undefined) return finish(withTable(local.kind, local));
  }
  if (best > WORTHWHILE * unchanged || asGood(unchanged, best)) return leave;
  const chosen = scored.find(({ score }) => asGood(score, best));
  return chosen === undefined ? leave : finish(chosen);
}

function isFeatures(name: keyof typeof FEATURES | PointKind): name is keyof typeof FEATURES {
  return name in FEATURES;
}

/** Pixels of a and a′ at the same places (image/thin.ts), opaque. */
export interface PairPixels {
  readonly a: RgbaImage;
  readonly a2: RgbaImage;
}

/** The pair of a triplet: prepared, `[3, S, S]` each, and its pixels. */
export interface FullPair<Data> {
  readonly a: Tensor<Data>;
  readonly a2: Tensor<Data>;
  /** Missing where a and a′ have different sizes, or fewer than S² pixels. */
  readonly pixels: PairPixels | undefined;
}

type Fitter<Data> = Pick<
  Compute<Data>,
  'anchorApply' | 'anchorGram' | 'fields' | 'read' | 'warp' | 'upload' | 'uploadImage' | 'release'
>;

/** a at the model's size, moved by a warp or not, with its fields on the backend and read back. */
interface Prepared<Data> {
  readonly a: Tensor<Data>;
  readonly fields: Tensor<Data>;
  readonly fieldsRead: Float32Array;
}

async function withFields<Data>(
  compute: Fitter<Data>,
  a: Tensor<Data>,
  arena: Arena<Data>,
): Promise<Prepared<Data>> {
  const fields = arena.keep(compute.fields(a));
  return { a, fields, fieldsRead: await compute.read(fields) };
}

/** Fits to the means of a pair's pixels. */
async function fitMeans<Data>(
  compute: Fitter<Data>,
  { a, fields, fieldsRead }: Prepared<Data>,
  a2: Tensor<Data>,
): Promise<AnchorFit> {
  const gram = await compute.anchorGram(a, a2, fields);
  const [own, edited] = [await compute.read(a), await compute.read(a2)];
  return fitStill(gram, { a: own, a2: edited, fields: fieldsRead, size: sideOf(a, 3) });
}

/** Fits to the pixels of a pair; `warp` has moved `prepared` already. */
async function fitPixels<Data>(
  compute: Fitter<Data>,
  pixels: PairPixels,
  prepared: Prepared<Data>,
  warp: Warp | undefined,
): Promise<AnchorFit> {
  const { dims } = prepared.a;
  const size = sideOf(prepared.a, 3);
  const a = pixelsAt(pixels.a, size, warp);
  const a2 = pixelsAt(pixels.a2, size, undefined);
  const arena = new Arena(compute);
  try {
    const [own, edited] = [a, a2].map((planes) => arena.keep(compute.upload(planes, dims, 'pixels')));
    const gram = await compute.anchorGram(own, edited, prepared.fields);
    return fitStill(gram, { a, a2, fields: prepared.fieldsRead, size }, TINY_OF_PIXELS);
  } finally {
    arena.dispose();
  }
}

function better(one: AnchorFit, other: AnchorFit): AnchorFit {
  return one.score <= other.score ? one : other;
}

/** The anchor of a pair whose a is moved, or undefined where that leaves more than `most` of what `still` does. */
async function fitMoved<Data>(
  compute: Fitter<Data>,
  { a, a2, pixels }: FullPair<Data>,
  warp: Warp,
  still: AnchorFit,
  most: number,
): Promise<AnchorFit | undefined> {
  const arena = new Arena(compute);
  try {
    const moved = await withFields(compute, arena.keep(compute.warp(a, warp)), arena);
    let fit = pixels && (await fitPixels(compute, pixels, moved, warp));
    // The warp is as exact as the model's size lets it be, which is less than pixels ask for.
    if (fit === undefined || fit.score > UNSOLVED) {
      const coarse = await fitMeans(compute, moved, a2);
      fit = fit === undefined ? coarse : better(fit, coarse);
    }
    return fit.score <= most * still.score ? { ...fit, warp } : undefined;
  } finally {
    arena.dispose();
  }
}

/** The best anchor of a pair of which a is moved, smoothly or place by place, or undefined. */
async function fitWarped<Data>(
  compute: Fitter<Data>,
  pair: FullPair<Data>,
  still: AnchorFit,
  checkpoint: () => Promise<void>,
): Promise<AnchorFit | undefined> {
  const [a, a2] = [await compute.read(pair.a), await compute.read(pair.a2)];
  const size = sideOf(pair.a, 3);
  const { warp, left } = fitWarp({ a, a2, size });
  const smooth = left > WARPED ? undefined : await fitMoved(compute, pair, warp, still, WARPED);
  await checkpoint();
  const best = smooth ?? still;
  if (best.score <= UNSOLVED) return smooth;
  const matches = matchPair({ a, a2, size });
  if (matches === undefined) return smooth;
  return (await fitMoved(compute, pair, { matches }, best, MATCHED)) ?? smooth;
}

/** An anchor with the layer that was found over `u`, which is what it makes of a, if that leaves much less than `still`. */
function layered(
  under: AnchorFit,
  sketch: FoundLayer,
  { u, a2, size }: { readonly u: Float32Array; readonly a2: Float32Array; readonly size: number },
  still: AnchorFit,
): AnchorFit | undefined {
  const { data } = sketch;
  const plane = size * size;
  let error = 0;
  for (let i = 0; i < plane; i++) {
    const bare = 1 - data[4 * i + 3] / 255;
    for (let c = 0; c < 3; c++)
      error += (a2[c * plane + i] - u[c * plane + i] * bare - data[4 * i + c] / 255) ** 2;
  }
  const score = error / (3 * plane);
  if (score > LAYERED * still.score) return undefined;
  return { ...under, score, sketch, layer: { width: size, height: size, data } };
}

/** The anchor of a pair over which something was laid, or undefined where none leaves much less than `still`. */
async function fitLayered<Data>(
  compute: Fitter<Data>,
  { a: preparedA, a2: preparedA2, pixels }: FullPair<Data>,
  { fields, fieldsRead }: Prepared<Data>,
  still: AnchorFit,
): Promise<AnchorFit | undefined> {
  const [a, a2] = [await compute.read(preparedA), await compute.read(preparedA2)];
  const size = sideOf(preparedA, 3);
  const signs = signsOf({ a, fields: fieldsRead, size }, foldsOfPixels(size));
  const find = (u: Float32Array, trust: Trust): FoundLayer | undefined =>
    findLayer({ u, a2, width: size, height: size }, signs, trust);
  const bare = find(a, AS_IT_WAS);
  // Nothing was done to the picture itself.
  if (bare?.plausible === true)
    return layered({ name: 'none', weights: noWeights(), score: 0 }, bare, { u: a, a2, size }, still);
  if (pixels === undefined || still.score <= UNDER) return undefined;

  const [own, edited] = [pixelsAt(pixels.a, size, undefined), pixelsAt(pixels.a2, size, undefined)];
  const weights = agreedTone({ a: own, a2: edited, size });
  if (weights === undefined) return undefined;
  const arena = new Arena(compute);
  try {
    const fine = arena.keep(compute.uploadImage(pixels.a, 'a, thinned'));
    const thinned = arena.keep(compute.uploadImage(thin(pixels.a, size, size), 'pixels of a'));
    const columns = arena.keep(compute.upload(own, preparedA.dims, 'pixels'));
    const made = async (of: FullImage<Data>, anchor: Anchor): Promise<Float32Array> => {
      const applied = compute.anchorApply(of, preparedA, anchor);
      try {
        return await compute.read(applied);
      } finally {
        compute.release(applied);
      }
    };
    let under: Anchor = { weights };
    let found = find(await made(fine, under), EDITED);
    for (let round = 0; round < REFITS && found !== undefined; round++) {
      const was = without(edited, found, await made(thinned, under));
      const shown = compute.upload(was, preparedA.dims, 'pixels');
      const gram = await compute.anchorGram(columns, shown, fields);
      compute.release(shown);
      const fit = fitStill(gram, { a: own, a2: was, fields: fieldsRead, size }, TINY_OF_PIXELS);
      const u = await made(fine, fit);
      found = find(u, EDITED);
      if (found?.plausible === true && fit.score <= SOLVED)
        return layered(fit, found, { u, a2, size }, still);
      under = fit;
    }
    return undefined;
  } finally {
    arena.dispose();
  }
}

/** a′ as far as nothing was laid over it, and `u` elsewhere: `[3, S, S]`. */
function without(a2: Float32Array, { data, labels, foreign }: FoundLayer, u: Float32Array): Float32Array {
  const plane = labels.length;
  return a2.map((value, k) => {
    const i = k % plane;
    // What hides the picture and is like it is not laid over it: u is wrong there.
    const laid = data[4 * i + 3] > 0 && (foreign || labels[i] !== HIDDEN);
    return laid ? u[k] : value;
  });
}

/**
 * The anchor of a pair: fitted to pixels where there are some, and where that leaves an error under a layer, to a
 * moved a or to means. `checkpoint` is called before each of these, which take as long again; what it throws ends the fit.
 */
export async function fitAnchor<Data>(
  compute: Fitter<Data>,
  pair: FullPair<Data>,
  checkpoint: () => Promise<void>,
): Promise<AnchorFit> {
  const { a, a2, pixels } = pair;
  const arena = new Arena(compute);
  try {
    const prepared = await withFields(compute, a, arena);
    const still =
      pixels === undefined
        ? await fitMeans(compute, prepared, a2)
        : await fitPixels(compute, pixels, prepared, undefined);
    await checkpoint();
    const covered = still.score > UNEXPLAINED ? await fitLayered(compute, pair, prepared, still) : undefined;
    if (covered !== undefined || still.score <= UNSOLVED) return covered ?? still;
    await checkpoint();
    const moved = await fitWarped(compute, pair, still, checkpoint);
    if (moved !== undefined || pixels === undefined) return moved ?? still;
    return better(still, await fitMeans(compute, prepared, a2));
  } finally {
    arena.dispose();
  }
}

/** What the anchor is, for reports: 'colour', 'warp', 'warp + colour', 'correspondences' or 'colour + layer'. */
export function nameOf({ name, warp, layer }: AnchorFit): string {
  if (layer !== undefined) return name === 'none' ? 'layer' : `${name} + layer`;
  if (warp === undefined) return name;
  const moved = 'matches' in warp ? 'correspondences' : 'warp';
  return name === 'none' ? moved : `${moved} + ${name}`;
}
