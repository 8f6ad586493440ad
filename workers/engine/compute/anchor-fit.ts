/**
 * Chooses and solves the anchor from the pair's Gram matrices (docs/architecture.md, "Anchor fit"):
 * cross-validated ridge regression over nested groups of features, in double precision.
 */
import { ANCHOR_BLOCKS, ANCHOR_COLUMNS, ANCHOR_FEATURES } from './compute';
import { solveCholesky } from './cholesky';

const FOLDS = 4;
const RIDGES = [1e-6, 1e-4, 1e-2] as const;
/** An anchor must explain at least a fifth of what leaving `a` alone does not. */
const WORTHWHILE = 0.8;
const NEARLY_AS_GOOD = 1.1;
const TINY = 1e-6;

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Simplest first: an earlier candidate wins a near tie. */
const CANDIDATES = [
  { name: 'none', features: [] },
  { name: 'colour', features: range(0, 9) },
  { name: 'tone', features: range(0, 21) },
  { name: 'copies', features: [...range(0, 9), ...range(61, 81)] },
  { name: 'detail', features: [...range(0, 21), ...range(46, 60)] },
  { name: 'light', features: range(0, 45) },
  { name: 'full', features: range(0, 60) },
] as const satisfies readonly { readonly name: string; readonly features: readonly number[] }[];

export type AnchorName = (typeof CANDIDATES)[number]['name'];

export interface AnchorFit {
  readonly name: AnchorName;
  /** `[82, 3]`, zero outside the chosen group. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Cross-validated mean squared error of the choice, in image units squared. */
  readonly score: number;
}

interface Scored {
  readonly name: AnchorName;
  readonly features: readonly number[];
  readonly ridge: number;
  readonly score: number;
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
      add(folds[(column + 2 * row) % FOLDS], gram.subarray(block * square, (block + 1) * square));
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

function bestRidge(folds: readonly Float64Array[], { name, features }: (typeof CANDIDATES)[number]): Scored {
  let best: Scored = { name, features, ridge: RIDGES[0], score: Infinity };
  for (const ridge of RIDGES) {
    const score = crossValidate(folds, features, ridge);
    if (score <= best.score) best = { name, features, ridge, score };
  }
  return best;
}

/** `gram` is `[16, 85, 85]` as `Compute.anchorGram` returns it. */
export function fitAnchor(gram: Float32Array): AnchorFit {
  const folds = foldSums(gram);
  const all = sumOf(folds);
  const unchanged = squaredError(all, [], new Float64Array()) / (3 * all[0]);
  const none: Scored = { name: 'none', features: [], ridge: 0, score: unchanged };
  const leave: AnchorFit = { name: 'none', weights: new Float32Array(ANCHOR_FEATURES * 3), score: unchanged };
  if (unchanged < TINY) return leave;

  const scored = [none, ...CANDIDATES.slice(1).map((candidate) => bestRidge(folds, candidate))];
  const best = Math.min(...scored.slice(1).map(({ score }) => score));
  if (best > WORTHWHILE * unchanged) return leave;
  const chosen = scored.find(({ score }) => score <= NEARLY_AS_GOOD * best + TINY);
  if (chosen === undefined || chosen.name === 'none') return leave;

  const solved = solve(all, chosen.features, chosen.ridge);
  if (solved === undefined) return leave;
  const weights = new Float32Array(ANCHOR_FEATURES * 3);
  chosen.features.forEach((f, i) => {
    weights.set(solved.subarray(i * 3, i * 3 + 3), f * 3);
  });
  return { name: chosen.name, weights, score: chosen.score };
}
