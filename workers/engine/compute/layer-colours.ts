/**
 * Of which colours what was laid over a picture is (docs/architecture.md, "Layer"). Paint of one colour takes every
 * pixel it covers along a line to that colour, so the lines say which colour it is.
 */
import { wordsOf } from '../noise';
import { solveCholesky } from './cholesky';
import { paint, type Change, type Colour, type Paint } from './layer-paint';

const SEED = 1;
const COLOURS = 3;
const PAIRS = 400;
const HINTS = 100;
const SAMPLE = 1500;
const REFINEMENTS = 4;
/** Lines meet where they come so near, and are not parallel. */
const MISS = 0.05;
const SINE = 0.02;
/** Of the strong pixels: a colour that explains fewer is none. */
const SPARSE = 0.02;

function clamped([r, g, b]: readonly number[]): Colour {
  const clamp = (value: number): number => Math.min(1, Math.max(0, value));
  return [clamp(r), clamp(g), clamp(b)];
}

/** Where the lines of pixels i and j meet, if they do. */
function meeting({ u, a2, width, height }: Change, i: number, j: number): Colour | undefined {
  const plane = width * height;
  const ways = [i, j].map((at) => {
    const d = [0, 1, 2].map((c) => a2[c * plane + at] - u[c * plane + at]);
    const length = Math.max(1e-12, Math.hypot(d[0], d[1], d[2]));
    return d.map((value) => value / length);
  });
  let [along, onOne, onOther] = [0, 0, 0];
  for (let c = 0; c < 3; c++) {
    const apart = u[c * plane + i] - u[c * plane + j];
    along += ways[0][c] * ways[1][c];
    onOne += ways[0][c] * apart;
    onOther += ways[1][c] * apart;
  }
  const sine = 1 - along * along;
  if (sine <= SINE) return undefined;
  const s = (along * onOther - onOne) / sine;
  const t = (onOther - along * onOne) / sine;
  if (s <= 0 || t <= 0) return undefined;
  let miss = 0;
  const middle = [0, 1, 2].map((c) => {
    const p = u[c * plane + i] + s * ways[0][c];
    const q = u[c * plane + j] + t * ways[1][c];
    miss += (p - q) ** 2;
    return (p + q) / 2;
  });
  if (miss >= MISS * MISS || middle.some((value) => value <= -0.03 || value >= 1.03)) return undefined;
  return clamped(middle);
}

/** The colour nearest to the lines of those of `pixels` that it explains. */
function refined(colour: Colour, change: Change, pixels: Uint32Array, near: number): Colour {
  const { u, a2, width, height } = change;
  const plane = width * height;
  const made: Paint = { share: 0, left: 0, far: 0 };
  let best = colour;
  for (let round = 0; round < REFINEMENTS; round++) {
    const matrix = new Float64Array(9);
    const right = new Float64Array(3);
    let total = 0;
    for (const i of pixels) {
      if (paint(change, i, best, made).left >= near) continue;
      const from = [u[i], u[plane + i], u[2 * plane + i]];
      const d = from.map((value, c) => a2[c * plane + i] - value);
      const weight = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      const onLine = d[0] * from[0] + d[1] * from[1] + d[2] * from[2];
      // (weight·I − d dᵀ)(colour − u), summed, is zero.
      total += weight;
      for (let c = 0; c < 3; c++) {
        right[c] += weight * from[c] - d[c] * onLine;
        for (let e = 0; e <= c; e++) matrix[c * 3 + e] -= d[c] * d[e];
      }
    }
    const ridge = 1e-4 * total + 1e-9;
    for (let c = 0; c < 3; c++) {
      matrix[c * 4] += total + ridge;
      right[c] += ridge * best[c];
    }
    const solved = solveCholesky(matrix, right, 3, 1);
    if (solved === undefined) return best;
    best = clamped([...solved]);
  }
  return best;
}

/** Colours that explain `pixels`, each the one that explains the most of what those before it leave. */
export function coloursOf(change: Change, pixels: Uint32Array, near: number, few: number): Colour[] {
  const { a2, width, height } = change;
  const plane = width * height;
  const word = wordsOf(SEED);
  const made: Paint = { share: 0, left: 0, far: 0 };
  const explains = (colour: Colour, i: number): boolean => paint(change, i, colour, made).left < near;
  const found: Colour[] = [];
  let free = pixels;
  for (let turn = 0; turn < COLOURS && free.length >= few; turn++) {
    const drawn = Uint32Array.from(
      { length: 2 * PAIRS },
      (_, k) => free[Math.floor((word(2 * PAIRS * turn + k) / 2 ** 32) * free.length)],
    );
    const candidates: Colour[] = [];
    for (let k = 0; k < PAIRS; k++) {
      const colour = meeting(change, drawn[2 * k], drawn[2 * k + 1]);
      if (colour !== undefined) candidates.push(colour);
    }
    for (let k = 0; k < HINTS; k++)
      candidates.push(clamped([0, 1, 2].map((c) => a2[c * plane + drawn[2 * k]])));
    const step = Math.ceil(free.length / SAMPLE);
    const some = free.filter((_, k) => k % step === 0);
    let [best, most] = [candidates[0], -1];
    for (const candidate of candidates) {
      let count = 0;
      for (const i of some) if (explains(candidate, i)) count++;
      if (count > most) [best, most] = [candidate, count];
    }
    const colour = refined(best, change, free, near);
    const rest = free.filter((i) => !explains(colour, i));
    if (free.length - rest.length < SPARSE * pixels.length) break;
    found.push(colour);
    free = rest;
  }
  return found;
}
