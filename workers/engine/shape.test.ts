import { expect, it } from 'vitest';
import type { AnchorFit } from './compute/anchor-fit';
import { WARP_COEFFICIENTS } from './compute/compute';
import { anchorFor } from './shape';

/** Coefficients of 1, x and y along x, and along y. */
function smooth(x: readonly number[], y: readonly number[]): AnchorFit {
  const coefficients = new Float32Array(2 * WARP_COEFFICIENTS);
  coefficients.set(x);
  coefficients.set(y, WARP_COEFFICIENTS);
  return { warp: { coefficients, outside: 'mirror', colour: [0, 0, 0] } } as unknown as AnchorFit;
}

/** Of the warp's displacement, those of 1, x and y along both axes. */
function affine({ warp }: AnchorFit): number[] {
  if (warp === undefined || !('coefficients' in warp)) throw new Error('there is no smooth warp');
  return [0, WARP_COEFFICIENTS].flatMap((at) => [...warp.coefficients.subarray(at, at + 3)]);
}

const WIDE = { width: 300, height: 200 };
const TALL = { width: 200, height: 400 };

it('turns a picture of another shape by the same angle', () => {
  // In pixels from the middle, (x, y) → (cx − sy, sx + cy); positions are −1..1 along each axis.
  const [c, s] = [Math.cos(0.1), Math.sin(0.1)];
  const turn = (width: number, height: number): number[] => [
    0,
    c - 1,
    (-s * height) / width,
    0,
    (s * width) / height,
    c - 1,
  ];
  const of = turn(WIDE.width, WIDE.height);
  const found = affine(anchorFor(smooth(of.slice(0, 3), of.slice(3)), WIDE, TALL));
  turn(TALL.width, TALL.height).forEach((value, k) => expect(found[k]).toBeCloseTo(value, 6));
});

it('keeps dots of whole pixels whole, and others as many along the shorter side', () => {
  const dots = (across: number, down: number): AnchorFit => {
    const lattice = Float32Array.from([across, 0, 0, 0, 0, 0, 0, 0, 0, down, 0, 0]);
    return { screen: { kind: 'screen', lattice } } as unknown as AnchorFit;
  };
  const on = (fit: AnchorFit, b: { width: number; height: number }): number[] => {
    const { screen } = anchorFor(fit, WIDE, b);
    return [b.width / (screen?.lattice[0] ?? 0), b.height / (screen?.lattice[9] ?? 0)];
  };
  // Periods of 4 pixels: as they are on a picture a little smaller, twice as large on one nearly twice as large.
  const exact = dots(75, 50);
  expect(on(exact, { width: 250, height: 170 })).toEqual([4, 4]);
  expect(on(exact, { width: 360, height: 380 })).toEqual([8, 8]);
  const [across, down] = on(dots(70, 50), { width: 360, height: 380 });
  expect(across).toBeCloseTo((300 / 70) * 1.8, 4);
  expect(down).toBeCloseTo(4 * 1.8, 4);
});

it('shifts and enlarges by as much of each axis', () => {
  const fit = smooth([0.2, 0.5, 0], [-0.1, 0, 0.5]);
  expect(affine(anchorFor(fit, WIDE, TALL))).toEqual(affine(fit));
});

it('sets channels apart by as much of the shorter side', () => {
  const channels = new Float32Array(18);
  [channels[0], channels[15]] = [0.02, 0.03];
  const fit = { warp: { channels } } as unknown as AnchorFit;
  const { warp } = anchorFor(fit, WIDE, { width: 200, height: 300 });
  if (warp === undefined || !('channels' in warp)) throw new Error('channels are no longer apart');
  // 3 pixels of 300 along x are 3 of 200; of 200 along y 3 of 300.
  expect(warp.channels[0]).toBeCloseTo(0.03, 6);
  expect(warp.channels[15]).toBeCloseTo(0.02, 6);
});

it('is the same on a picture of the same shape', () => {
  const fit = smooth([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]);
  expect(affine(anchorFor(fit, WIDE, { width: 1500, height: 1000 }))).toEqual(affine(fit));
});
