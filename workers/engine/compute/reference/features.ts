/**
 * The anchor features φ of docs/architecture.md, a row of pixels at a time: one feature by itself, for the
 * columns of the fit, and all that have weight together, for an anchor.
 */
import { ANCHOR_FEATURES } from '../compute';
import { anchorFields, FEATURE_BLURS, FEATURE_FIELDS } from './fields';
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
export const FIRST_FIELD = 46;
export const FIRST_COPY = FIRST_FIELD + FEATURE_FIELDS.length;

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
}

type Planes = Row['colours'];

/** Feature `index` of every pixel of the row but 46–60, into out[0..width − 1]. */
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
    positionRow(Math.floor((index - FIRST_LIGHT) / 4), row, out);
    const factor = (index - FIRST_LIGHT) % 4;
    if (factor === 0) return;
    const colour = colours[factor - 1];
    for (let x = 0; x < width; x++) out[x] *= colour[x];
  } else if (index < FIRST_COPY) {
    throw new Error(`feature ${index} is no function of a row`);
  } else {
    copyRow(Math.floor((index - FIRST_COPY) / 3), (index - FIRST_COPY) % 3, row, out);
  }
}

function positionRow(term: number, { width, v }: Row, out: Float32Array): void {
  const y = 2 * v - 1;
  for (let i = 0; i < width; i++) out[i] = positionTerm(term, (2 * (i + 0.5)) / width - 1, y);
}

/** Bilinear samples of a plane `[S, S]` along the row at v of `width` pixels. */
export function sampledRow(
  plane: Float32Array,
  size: number,
  { width, v }: Pick<Row, 'width' | 'v'>,
  out: Float32Array,
): void {
  const down = spanAt(v, size, { low: 0, high: 0, rest: 0 });
  const line = new Float32Array(size);
  for (let x = 0; x < size; x++)
    line[x] = plane[down.low * size + x] * (1 - down.rest) + plane[down.high * size + x] * down.rest;
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

/** The features first..end − 1 have weight in some channel; `weights` is `[82, 3]`. */
function used(weights: Float32Array, first: number, end: number): boolean {
  return weights.subarray(first * 3, end * 3).some((weight) => weight !== 0);
}

/** Indices of the features that any channel gives weight to; `weights` is `[82, 3]`. */
export function weightedFeatures(weights: Float32Array): number[] {
  return Array.from({ length: ANCHOR_FEATURES }, (_, f) => f).filter((f) => used(weights, f, f + 1));
}

/**
 * What features 46–60 come to, φ·w of these alone, `[3, S, S]`: samples are linear, so a sample of this sum is
 * the sum of the samples. Undefined where they have no weight.
 */
export function weightedFields(
  weights: Float32Array,
  planes: Float32Array,
  size: number,
): Float32Array<ArrayBuffer> | undefined {
  if (!used(weights, FIRST_FIELD, FIRST_COPY)) return undefined;
  const plane = size * size;
  const fields = anchorFields(planes, size, FEATURE_BLURS);
  const out = new Float32Array(3 * plane);
  FEATURE_FIELDS.forEach((field, f) => {
    for (let c = 0; c < 3; c++) {
      const weight = weights[(FIRST_FIELD + f) * 3 + c];
      if (weight === 0) continue;
      for (let i = 0; i < plane; i++) out[c * plane + i] += weight * fields[field * plane + i];
    }
  });
  return out;
}

/*
 * Sums over a row, each a function of its own: engines optimise a short loop well and a long function badly.
 * `w` are weights of one channel.
 */

/** u_c + Σ of features 0–9. */
function setColours(w: Float64Array, [r, g, b]: Planes, own: Float32Array, out: Float32Array): void {
  const [one, red, green, blue, rr, gg, bb, rg, rb, gb] = w;
  for (let x = 0; x < own.length; x++) {
    const p = r[x];
    const q = g[x];
    const s = b[x];
    out[x] =
      own[x] +
      one +
      p * (red + rr * p + rg * q + rb * s) +
      q * (green + gg * q + gb * s) +
      s * (blue + bb * s);
  }
}

/** The four hinges of one colour. */
function addHinges(w: Float64Array, colour: Float32Array, out: Float32Array): void {
  const [w0, w1, w2, w3] = w;
  const [t0, t1, t2, t3] = HINGES;
  for (let x = 0; x < colour.length; x++) {
    const value = colour[x];
    out[x] +=
      w0 * Math.max(0, value - t0) +
      w1 * Math.max(0, value - t1) +
      w2 * Math.max(0, value - t2) +
      w3 * Math.max(0, value - t3);
  }
}

/** A term of the position with and without colours. */
function addLight(w: Float64Array, term: Float32Array, [r, g, b]: Planes, out: Float32Array): void {
  const [one, red, green, blue] = w;
  for (let x = 0; x < r.length; x++) out[x] += term[x] * (one + red * r[x] + green * g[x] + blue * b[x]);
}

function addTimes(weight: number, values: Float32Array, out: Float32Array): void {
  for (let x = 0; x < out.length; x++) out[x] += weight * values[x];
}

/** To 0..1, in place. */
export function clampRow(out: Float32Array): void {
  for (let x = 0; x < out.length; x++) {
    if (out[x] < 0) out[x] = 0;
    else if (out[x] > 1) out[x] = 1;
  }
}

/**
 * u + φ(u)·w of a row, not clamped, into the three planes of `out`: the sum over features that `featureRow` defines,
 * taken a group at a time, since most of the time goes to passing over the row. `fields` is `weightedFields`;
 * `scratch` holds at least a row.
 */
export function weightedRow(
  row: Row,
  weights: Float32Array,
  fields: Float32Array | undefined,
  size: number,
  out: Planes,
  scratch: Float32Array,
): void {
  const { colours } = row;
  const part = (first: number, end: number, c: number): Float64Array =>
    Float64Array.from({ length: end - first }, (_, i) => weights[(first + i) * 3 + c]);
  out.forEach((plane, c) => setColours(part(0, FIRST_HINGE, c), colours, colours[c], plane));
  colours.forEach((colour, k) => {
    const first = FIRST_HINGE + HINGES.length * k;
    const end = first + HINGES.length;
    if (used(weights, first, end)) out.forEach((plane, c) => addHinges(part(first, end, c), colour, plane));
  });
  for (let f = FIRST_LIGHT; f < FIRST_FIELD; f += 4) {
    if (!used(weights, f, f + 4)) continue;
    positionRow((f - FIRST_LIGHT) / 4, row, scratch);
    out.forEach((plane, c) => addLight(part(f, f + 4, c), scratch, colours, plane));
  }
  if (fields !== undefined) {
    out.forEach((plane, c) => {
      sampledRow(fields.subarray(c * size * size, (c + 1) * size * size), size, row, scratch);
      addTimes(1, scratch, plane);
    });
  }
  for (let f = FIRST_COPY; f < ANCHOR_FEATURES; f++) {
    if (!used(weights, f, f + 1)) continue;
    featureRow(f, row, scratch);
    out.forEach((plane, c) => addTimes(weights[f * 3 + c], scratch, plane));
  }
}
