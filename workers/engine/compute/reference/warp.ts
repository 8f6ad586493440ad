/** The anchor's warp: where it reads, and what it makes of an image (docs/architecture.md, "Warp"). */
import {
  MATCH_NUMBERS,
  WARP_COEFFICIENTS,
  WARP_DEGREE,
  type ChannelWarp,
  type Correspondences,
  type SmoothWarp,
  type Warp,
} from '../compute';
import { cellSource, isCells } from './cells';
import { isKernel, kernelSource } from './kernel';
import { planarSource, sampledSource, spanAt, type Source, type Span } from './source';

/** Matches that read further apart than this many of their pixels are of different parts: none is blended. */
const TORN = 2;

/**
 * A warp along one row: s(p) as two polynomials in x, `[2, degree + 1]` from the constant on, into `out`.
 * `coefficients` is `[2, (degree + 1)(degree + 2)/2]`, y the row's position in −1..1.
 */
export function rowPolynomials(
  coefficients: ArrayLike<number>,
  degree: number,
  y: number,
  out: Float64Array,
): void {
  const terms = degree + 1;
  const half = coefficients.length / 2;
  out.fill(0);
  out[1] = 1;
  out[terms] = y;
  for (let n = 0, k = 0; n <= degree; n++) {
    for (let j = 0, power = 1; j <= n; j++, k++, power *= y) {
      out[n - j] += coefficients[k] * power;
      out[terms + n - j] += coefficients[half + k] * power;
    }
  }
}

/** A polynomial of `terms` coefficients, which begin at `from`. */
export function evaluate(polynomials: Float64Array, from: number, terms: number, x: number): number {
  let value = 0;
  for (let i = from + terms - 1; i >= from; i--) value = value * x + polynomials[i];
  return value;
}

function wrapped(place: number): number {
  return place - Math.floor(place);
}

/** A place, mirrored until it is inside. */
export function mirrored(place: number): number {
  return 1 - Math.abs(1 - 2 * wrapped(place / 2));
}

/** Writes the position (x, y) that is read for a place (u, v). */
type Reader = (u: number, v: number, out: Float64Array) => void;

function smoothReader({ coefficients }: SmoothWarp): Reader {
  const terms = WARP_DEGREE + 1;
  const row = new Float64Array(2 * terms);
  let rowAt = NaN;
  return (u, v, out) => {
    if (v !== rowAt) rowPolynomials(coefficients, WARP_DEGREE, 2 * v - 1, row);
    rowAt = v;
    out[0] = evaluate(row, 0, terms, 2 * u - 1);
    out[1] = evaluate(row, terms, terms, 2 * u - 1);
  };
}

/** Bilinear in what the four matches around a place say of it, of those that agree with the nearest. */
function matchReader({ matches }: Correspondences): Reader {
  const plane = matches.length / MATCH_NUMBERS;
  const size = Math.sqrt(plane);
  const torn = (2 * TORN) / size;
  const across: Span = { low: 0, high: 0, rest: 0 };
  const down: Span = { low: 0, high: 0, rest: 0 };
  const said = new Float64Array(8);
  const weights = new Float64Array(4);
  return (u, v, out) => {
    spanAt(u, size, across);
    spanAt(v, size, down);
    for (let tap = 0; tap < 4; tap++) {
      const right = tap & 1;
      const below = tap >> 1;
      const column = right ? across.high : across.low;
      const row = below ? down.high : down.low;
      const at = row * size + column;
      const dx = 2 * (u - (column + 0.5) / size);
      const dy = 2 * (v - (row + 0.5) / size);
      said[2 * tap] = matches[at] + matches[2 * plane + at] * dx + matches[3 * plane + at] * dy;
      said[2 * tap + 1] = matches[plane + at] + matches[4 * plane + at] * dx + matches[5 * plane + at] * dy;
      weights[tap] = (right ? across.rest : 1 - across.rest) * (below ? down.rest : 1 - down.rest);
    }
    const nearest = (across.rest > 0.5 ? 1 : 0) + (down.rest > 0.5 ? 2 : 0);
    let x = 0;
    let y = 0;
    let total = 0;
    for (let tap = 0; tap < 4; tap++) {
      if (Math.abs(said[2 * tap] - said[2 * nearest]) > torn) continue;
      if (Math.abs(said[2 * tap + 1] - said[2 * nearest + 1]) > torn) continue;
      x += weights[tap] * said[2 * tap];
      y += weights[tap] * said[2 * tap + 1];
      total += weights[tap];
    }
    out[0] = x / total;
    out[1] = y / total;
  };
}

function channelSource(source: Source, { channels }: ChannelWarp): Source {
  const colour = new Float64Array(3);
  return sampledSource(source.width, source.height, (u, v, out) => {
    const x = 2 * u - 1;
    const y = 2 * v - 1;
    for (let c = 0, k = 0; c < 3; c++, k += 6) {
      const toX = x + channels[k] + channels[k + 1] * x + channels[k + 2] * y;
      const toY = y + channels[k + 3] + channels[k + 4] * x + channels[k + 5] * y;
      source.sample(mirrored((toX + 1) / 2), mirrored((toY + 1) / 2), colour);
      out[c] = colour[c];
    }
  });
}

/** `source` read through the warp. */
export function movedSource(source: Source, warp: Warp): Source {
  if (isCells(warp)) return cellSource(source, warp);
  if (isKernel(warp)) return kernelSource(source, warp);
  if ('channels' in warp) return channelSource(source, warp);
  const { width, height } = source;
  const matched = 'matches' in warp;
  const positionOf = matched ? matchReader(warp) : smoothReader(warp);
  const inside = !matched && warp.outside === 'wrap' ? wrapped : mirrored;
  const colour = !matched && warp.outside === 'colour' ? warp.colour : undefined;
  const position = new Float64Array(2);

  function sample(u: number, v: number, out: Float64Array): void {
    positionOf(u, v, position);
    const [x, y] = position;
    source.sample(inside((x + 1) / 2), inside((y + 1) / 2), out);
    if (colour === undefined) return;
    const beyond = Math.min(width * (1 - Math.abs(x)), height * (1 - Math.abs(y))) / 2;
    const coverage = Math.min(1, Math.max(0, 0.5 + beyond));
    for (let c = 0; c < 3; c++) out[c] = colour[c] + (out[c] - colour[c]) * coverage;
  }

  return sampledSource(width, height, sample);
}

/** moved(u) of a prepared image, planar `[3, S, S]`. */
export function movedPlanes(planes: Float32Array, size: number, warp: Warp): Float32Array<ArrayBuffer> {
  if (isKernel(warp)) return Float32Array.from(planes);
  const plane = size * size;
  const source = movedSource(planarSource(planes, size, size), warp);
  const out = new Float32Array(3 * plane);
  const colour = new Float64Array(3);
  for (let i = 0; i < plane; i++) {
    source.pixel(i % size, Math.floor(i / size), colour);
    for (let c = 0; c < 3; c++) out[c * plane + i] = colour[c];
  }
  return out;
}

/**
 * The coefficients as Horner's scheme takes them, `[21, 2]`: from y⁵ to y⁰, and of each from its highest
 * power of x to x⁰.
 */
export function hornerOrder(coefficients: Float32Array): Float32Array {
  const out = new Float32Array(2 * WARP_COEFFICIENTS);
  let at = 0;
  for (let j = WARP_DEGREE; j >= 0; j--) {
    for (let n = WARP_DEGREE; n >= j; n--) {
      const k = (n * (n + 1)) / 2 + j;
      out[at++] = coefficients[k];
      out[at++] = coefficients[WARP_COEFFICIENTS + k];
    }
  }
  return out;
}
