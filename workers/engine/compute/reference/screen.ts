/**
 * The anchor's screens (docs/architecture.md, "Screen"): of two tones as much as a pixel and its surroundings are
 * above a threshold, which may repeat over the picture as the dots of a halftone do.
 */
import { ANCHOR_FEATURES, SCREEN_SIDE, SCREEN_TONES, type Cells, type Screen } from '../compute';
import { middleOfCell } from './cells';
import { FIRST_FIELD, sampledRow, weightedFields, type Row } from './features';
import { LUMAS, luma } from './lookup';

type Planes = Row['colours'];

export const SCREEN_KNOTS = SCREEN_SIDE * SCREEN_SIDE;

/** The middle knot of a phase, and the weights of the one before, it and the one after, into out[0..2]. */
export function splineAt(phase: number, out: Float64Array): number {
  const at = phase * SCREEN_SIDE;
  const middle = Math.floor(at + 0.5);
  const t = at - middle;
  out[0] = (0.5 - t) ** 2 / 2;
  out[1] = 0.75 - t * t;
  out[2] = (0.5 + t) ** 2 / 2;
  return middle % SCREEN_SIDE;
}

/** The phase, 0..1, of a frequency at a place. */
export function phaseAt(across: number, down: number, u: number, v: number): number {
  const cycles = across * u + down * v;
  return cycles - Math.floor(cycles);
}

/** The nine knots around each knot, row by row, `[256, 9]`. */
export const AROUND = Uint8Array.from({ length: 9 * SCREEN_KNOTS }, (_, k) => {
  const [knot, at] = [Math.floor(k / 9), k % 9];
  const line = (Math.floor(knot / SCREEN_SIDE) + Math.floor(at / 3) + SCREEN_SIDE - 1) % SCREEN_SIDE;
  return line * SCREEN_SIDE + (((knot % SCREEN_SIDE) + (at % 3) + SCREEN_SIDE - 1) % SCREEN_SIDE);
});

/** What the blurs of an image `planes` add to a screen's tones, `[3, S, S]` as it is; undefined where they add nothing. */
export function softTones(
  { kind, luma: of = LUMAS[0], gains }: Screen,
  planes: Float32Array,
  size: number,
): Float32Array<ArrayBuffer> | undefined {
  const weights = new Float32Array(ANCHOR_FEATURES * 3);
  for (let k = 1; k < SCREEN_TONES; k++) {
    const first = FIRST_FIELD + 3 * (k - 1);
    for (let c = 0; c < 3; c++) {
      const gain = gains[3 * k + c];
      if (kind === 'screens') weights[3 * (first + c) + c] = gain;
      else of.forEach((part, from) => (weights[3 * (first + from) + c] = part * gain));
    }
  }
  return weightedFields(weights, planes, size);
}

/** A row of the screen, into the three planes of `out`; `soft` is `softTones`, `scratch` holds at least a row. */
export function screenRow(
  { width, v, colours }: Row,
  { kind, luma: of, dark, light, lattice, gains, thresholds }: Screen,
  soft: Float32Array | undefined,
  cells: Cells | undefined,
  size: number,
  out: Planes,
  scratch: Float32Array,
): void {
  const [r, g, b] = colours;
  const [across, down] = [new Float64Array(3), new Float64Array(3)];
  const y = cells === undefined ? v : middleOfCell(cells, 1, v);
  for (let c = 0; c < 3; c++) {
    if (kind === 'screen' && c > 0) {
      out[c].set(out[0]);
      continue;
    }
    const shares = out[c];
    if (soft === undefined) shares.fill(0);
    else {
      sampledRow(soft.subarray(c * size * size, (c + 1) * size * size), size, { width, v }, scratch);
      shares.set(scratch.subarray(0, width));
    }
    const [x0, y0, x1, y1] = [0, 1, 2, 3].map((k) => lattice[3 * k + c]);
    const repeats = x0 !== 0 || y0 !== 0;
    for (let x = 0; x < width; x++) {
      const value = kind === 'screen' ? luma(r[x], g[x], b[x], of) : colours[c][x];
      let threshold = thresholds[c];
      if (repeats) {
        const u = (x + 0.5) / width;
        const place = cells === undefined ? u : middleOfCell(cells, 0, u);
        const line = splineAt(phaseAt(x0, y0, place, y), across) * SCREEN_SIDE;
        const first = 9 * (line + splineAt(phaseAt(x1, y1, place, y), down));
        threshold = 0;
        for (let k = 0, at = first; k < 3; k++)
          for (let n = 0; n < 3; n++, at++) threshold += across[k] * down[n] * thresholds[3 * AROUND[at] + c];
      }
      shares[x] = Math.min(1, Math.max(0, 0.5 + gains[c] * value + shares[x] - threshold));
    }
  }
  out.forEach((shares, c) => {
    for (let x = 0; x < width; x++)
      shares[x] = Math.min(1, Math.max(0, dark[c] + (light[c] - dark[c]) * shares[x]));
  });
}
