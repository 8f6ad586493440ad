/**
 * What was done to the picture under a layer, to begin with (docs/architecture.md, "Layer"): weights of the *tone*
 * features that most pixels of a pair agree on, by reweighted least squares from parts that may be bare.
 */
import { ANCHOR_BLOCKS, ANCHOR_FEATURES } from './compute';
import { addProducts, solveCholesky } from './cholesky';
import { LAID } from './layer-paint';
import { featureRow, type Row } from './reference/features';
import { planarSource } from './reference/source';
import type { Means } from './table-fit';

const TONE = 22;
const COLUMNS = TONE + 3;
/** Every fifth pixel each way, from the third on. */
const STEP = 5;
const FIRST = 2;
const SCALES = [0.2, 0.1, 0.05, 0.03, 0.02, 0.015] as const;
const RIDGE = 1e-5;
/** Pixels that agree: more than as they are, at least; and how they must vary against a's. */
const MORE = 0.1;
const LEAST = 0.3;
const VARIES = 0.1;

/** Variance over pixels, summed over channels. */
function variance(planes: readonly Float32Array[]): number {
  return planes.reduce((total, values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return total + values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  }, 0);
}

/** Weights `[82, 3]`, or undefined where not many pixels agree. */
export function agreedTone({ a, a2, size }: Means): Float32Array<ArrayBuffer> | undefined {
  const side = Math.ceil((size - FIRST) / STEP);
  const count = side * side;
  const taken = (planes: Float32Array, c: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return planes[(c * size + FIRST + STEP * y) * size + FIRST + STEP * x];
    });
  const colours: Row['colours'] = [taken(a, 0), taken(a, 1), taken(a, 2)];
  const change = colours.map((own, c) => taken(a2, c).map((value, i) => value - own[i]));
  const row: Row = { width: count, v: 0.5, colours, source: planarSource(a, size, size) };
  // A pixel's features, then its change.
  const rows = new Float64Array(count * COLUMNS);
  const column = new Float32Array(count);
  for (let f = 0; f < COLUMNS; f++) {
    if (f < TONE) featureRow(f, row, column);
    else column.set(change[f - TONE]);
    for (let i = 0; i < count; i++) rows[i * COLUMNS + f] = column[i];
  }

  /** What weights leave of a channel of pixel i. */
  const leftOf = (w: Float64Array, i: number, c: number): number => {
    let left = rows[i * COLUMNS + TONE + c];
    for (let f = 0; f < TONE; f++) left -= rows[i * COLUMNS + f] * w[f * 3 + c];
    return left;
  };
  const off = (w: Float64Array, i: number): number => {
    let most = 0;
    for (let c = 0; c < 3; c++) most = Math.max(most, Math.abs(leftOf(w, i, c)));
    return most;
  };
  const weighted = new Float64Array(rows.length);
  const solved = (weight: Float64Array): Float64Array | undefined => {
    const total = weight.reduce((sum, value) => sum + value, 0);
    for (let i = 0, at = 0; i < count; i++) {
      const root = Math.sqrt(weight[i] / total);
      for (const end = at + COLUMNS; at < end; at++) weighted[at] = root * rows[at];
    }
    const sums = new Float64Array(COLUMNS * COLUMNS);
    addProducts(sums, weighted, count, COLUMNS);
    const matrix = new Float64Array(TONE * TONE);
    const right = new Float64Array(TONE * 3);
    for (let f = 0; f < TONE; f++) {
      matrix.set(sums.subarray(f * COLUMNS, f * COLUMNS + f + 1), f * TONE);
      if (f > 0) matrix[f * TONE + f] += RIDGE;
      for (let c = 0; c < 3; c++) right[f * 3 + c] = sums[(TONE + c) * COLUMNS + f];
    }
    return solveCholesky(matrix, right, TONE, 3);
  };

  const block = (at: number): number => Math.floor((at * ANCHOR_BLOCKS) / side);
  const inner = (at: number): boolean => at % 3 !== 0;
  const lines = Array.from({ length: ANCHOR_BLOCKS }, (_, k) => k);
  const starts: readonly ((row: number, column: number) => boolean)[] = [
    () => true,
    (r, c) => inner(r) && inner(c),
    ...lines.map((k) => (r: number) => r === k),
    ...lines.map((k) => (_: number, c: number) => c === k),
  ];
  let best: Float64Array | undefined;
  let most = 0;
  for (const start of starts) {
    const weight = Float64Array.from({ length: count }, (_, i) =>
      start(block(Math.floor(i / side)), block(i % side)) ? 1 : 0,
    );
    let w: Float64Array | undefined;
    for (const scale of SCALES) {
      w = solved(weight);
      if (w === undefined) break;
      for (let i = 0; i < count; i++) weight[i] = 1 / (1 + (off(w, i) / scale) ** 2) ** 2;
    }
    if (w === undefined) continue;
    let agree = 0;
    for (let i = 0; i < count; i++) if (off(w, i) < LAID[0]) agree++;
    if (agree / count > most) [best, most] = [w, agree / count];
  }
  if (best === undefined) return undefined;
  const chosen = best;
  let same = 0;
  for (let i = 0; i < count; i++)
    if (Math.max(...change.map((values) => Math.abs(values[i]))) < LAID[0]) same++;
  const made = colours.map((own, c) => own.map((value, i) => value + change[c][i] - leftOf(chosen, i, c)));
  if (most <= same / count + MORE || most <= LEAST || variance(made) <= VARIES * variance(colours))
    return undefined;
  const weights = new Float32Array(ANCHOR_FEATURES * 3);
  weights.set(chosen);
  return weights;
}
