/**
 * The anchor features φ of docs/architecture.md, a row of pixels at a time: one feature is one
 * plain loop over the row, so that a render evaluates only the features that have weight.
 */
import { ANCHOR_FEATURES } from '../compute';
import { FIELDS } from './fields';
import { spanAt, type Source, type Span } from './source';

const PRODUCTS = [
  [0, 0],
  [1, 1],
  [2, 2],
  [0, 1],
  [0, 2],
  [1, 2],
] as const;
const HINGES = [0.2, 0.4, 0.6, 0.8] as const;
const FIRST_HINGE = 10;
const FIRST_LIGHT = 22;
const FIRST_FIELD = 46;
const FIRST_COPY = FIRST_FIELD + FIELDS;

/** Where the seven copies look: mirrored, turned, transposed. */
const COPIES: readonly ((u: number, v: number) => readonly [number, number])[] = [
  (u, v) => [1 - u, v],
  (u, v) => [u, 1 - v],
  (u, v) => [1 - u, 1 - v],
  (u, v) => [v, 1 - u],
  (u, v) => [1 - v, u],
  (u, v) => [v, u],
  (u, v) => [1 - v, 1 - u],
];

function positionTerm(term: number, x: number, y: number): number {
  switch (term) {
    case 0:
      return x;
    case 1:
      return y;
    case 2:
      return x * x;
    case 3:
      return y * y;
    case 4:
      return x * y;
    default:
      return (x * x + y * y) ** 2;
  }
}

/** One row of an image that is to be anchored, at the size of the output. */
export interface Row {
  readonly width: number;
  /** v of the row's centre. */
  readonly v: number;
  /** r, g, b of the row's pixels. */
  readonly colours: readonly [Float32Array, Float32Array, Float32Array];
  /** The whole image, for the copies. */
  readonly source: Source;
  /** `[15, size, size]`; needed only where features 46–60 are asked for. */
  readonly fields: Float32Array | undefined;
  readonly size: number;
}

/** Feature `index` of every pixel of the row, into out[0..width − 1]. */
export function featureRow(index: number, row: Row, out: Float32Array): void {
  const { width, colours } = row;
  if (index === 0) {
    out.fill(1, 0, width);
  } else if (index < 4) {
    out.set(colours[index - 1].subarray(0, width));
  } else if (index < FIRST_HINGE) {
    const [i, j] = PRODUCTS[index - 4];
    const left = colours[i];
    const right = colours[j];
    for (let x = 0; x < width; x++) out[x] = left[x] * right[x];
  } else if (index < FIRST_LIGHT) {
    const colour = colours[Math.floor((index - FIRST_HINGE) / HINGES.length)];
    const knee = HINGES[(index - FIRST_HINGE) % HINGES.length];
    for (let x = 0; x < width; x++) out[x] = Math.max(0, colour[x] - knee);
  } else if (index < FIRST_FIELD) {
    lightRow(Math.floor((index - FIRST_LIGHT) / 4), (index - FIRST_LIGHT) % 4, row, out);
  } else if (index < FIRST_COPY) {
    fieldRow(index - FIRST_FIELD, row, out);
  } else {
    copyRow(Math.floor((index - FIRST_COPY) / 3), (index - FIRST_COPY) % 3, row, out);
  }
}

function lightRow(term: number, factor: number, { width, v, colours }: Row, out: Float32Array): void {
  const y = 2 * v - 1;
  for (let i = 0; i < width; i++) out[i] = positionTerm(term, (2 * (i + 0.5)) / width - 1, y);
  if (factor === 0) return;
  const colour = colours[factor - 1];
  for (let i = 0; i < width; i++) out[i] *= colour[i];
}

function fieldRow(field: number, { width, v, fields, size }: Row, out: Float32Array): void {
  if (fields === undefined) throw new Error(`anchor feature ${FIRST_FIELD + field} needs the blurred fields`);
  const down = spanAt(v, size, { low: 0, high: 0, rest: 0 });
  const top = (field * size + down.low) * size;
  const bottom = (field * size + down.high) * size;
  const line = new Float32Array(size);
  for (let x = 0; x < size; x++) line[x] = fields[top + x] * (1 - down.rest) + fields[bottom + x] * down.rest;
  const across: Span = { low: 0, high: 0, rest: 0 };
  for (let x = 0; x < width; x++) {
    spanAt((x + 0.5) / width, size, across);
    out[x] = line[across.low] * (1 - across.rest) + line[across.high] * across.rest;
  }
}

function copyRow(copy: number, channel: number, { width, v, source }: Row, out: Float32Array): void {
  const place = COPIES[copy];
  const start = place(0.5 / width, v);
  const end = place((width - 0.5) / width, v);
  const span = Math.max(1, width - 1);
  source.line(channel, start, [(end[0] - start[0]) / span, (end[1] - start[1]) / span], width, out);
}

/** Indices of the features that any channel gives weight to; `weights` is `[82, 3]`. */
export function weightedFeatures(weights: Float32Array): number[] {
  const used: number[] = [];
  for (let f = 0; f < ANCHOR_FEATURES; f++) {
    if (weights[f * 3] !== 0 || weights[f * 3 + 1] !== 0 || weights[f * 3 + 2] !== 0) used.push(f);
  }
  return used;
}

/** Whether an anchor with these weights looks at the blurred fields at all. */
export function needsFields(weights: Float32Array): boolean {
  return weightedFeatures(weights).some((f) => f >= FIRST_FIELD && f < FIRST_COPY);
}

/** clamp(u + φ(u)·w) of a row, into the three planes of `out`; `scratch` holds at least `width`. */
export function anchorRow(
  row: Row,
  weights: Float32Array,
  used: readonly number[],
  out: Row['colours'],
  scratch: Float32Array,
): void {
  const { width, colours } = row;
  for (let c = 0; c < 3; c++) out[c].set(colours[c].subarray(0, width));
  for (const f of used) {
    featureRow(f, row, scratch);
    for (let c = 0; c < 3; c++) {
      const weight = weights[f * 3 + c];
      const plane = out[c];
      for (let x = 0; x < width; x++) plane[x] += weight * scratch[x];
    }
  }
  for (let c = 0; c < 3; c++) {
    const plane = out[c];
    for (let x = 0; x < width; x++) plane[x] = Math.min(1, Math.max(0, plane[x]));
  }
}
