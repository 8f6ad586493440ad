/** An anchor for a picture of another shape or size than the pair's. */
import type { AnchorFit } from './compute/anchor-fit';
import {
  WARP_COEFFICIENTS,
  WARP_DEGREE,
  type Cells,
  type Screen,
  type SmoothWarp,
  type Warp,
} from './compute/compute';
import { isCells } from './compute/reference/cells';
import { isKernel } from './compute/reference/kernel';
import { shapedFor } from './layer-shape';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** By how much of a pixel's a period may miss a whole number of them. */
const WHOLE = 1e-3;

/** How much of b's axes a length is that is 1 of a's, where pixels become so many times as large. */
function scaledBy(times: number, a: Size, b: Size): readonly [number, number] {
  return [(a.width / b.width) * times, (a.height / b.height) * times];
}

/** How many times as large b's shorter side is. */
function timesOf(a: Size, b: Size): number {
  return Math.min(b.width, b.height) / Math.min(a.width, a.height);
}

/** A screen that repeats by whole pixels of a does so in b: what lies between pixels is not what was seen. */
function screenFor(screen: Screen, a: Size, b: Size): Screen {
  const whole = screen.lattice.every((frequency, k) => {
    if (frequency === 0) return true;
    const period = (Math.floor(k / 3) % 2 === 0 ? a.width : a.height) / frequency;
    return Math.abs(period - Math.round(period)) < WHOLE;
  });
  const times = timesOf(a, b);
  const [x, y] = scaledBy(whole ? Math.max(1, Math.round(times)) : times, a, b);
  const lattice = screen.lattice.map((frequency, k) => frequency / (Math.floor(k / 3) % 2 === 0 ? x : y));
  return { ...screen, lattice };
}

function cellsFor({ pitch, origin }: Cells, [x, y]: readonly [number, number]): Cells {
  return { pitch: [pitch[0] * x, pitch[1] * y], origin: [origin[0] * x, origin[1] * y] };
}

/** Displacements `[axes of all channels, monomials up to a degree]` that are as they were in units of the shorter side. */
function displacementsFor(
  coefficients: Float32Array,
  degree: number,
  scale: readonly [number, number],
): Float32Array {
  const terms = ((degree + 1) * (degree + 2)) / 2;
  const out = coefficients.slice();
  for (let n = 0, k = 0; n <= degree; n++) {
    for (let j = 0; j <= n; j++, k++) {
      const monomial = scale[0] ** (n - j) * scale[1] ** j;
      for (let axis = 0; axis * terms < out.length; axis++)
        out[axis * terms + k] *= scale[axis % 2] / monomial;
    }
  }
  return out;
}

/** What was turned is turned, not sheared, and a lens is round; a shift of the whole is as much of each axis. */
function smoothFor(warp: SmoothWarp, scale: readonly [number, number]): SmoothWarp {
  const coefficients = displacementsFor(warp.coefficients, WARP_DEGREE, scale);
  for (const shift of [0, WARP_COEFFICIENTS]) coefficients[shift] = warp.coefficients[shift];
  return { ...warp, coefficients };
}

function warpFor(warp: Warp, scale: readonly [number, number]): Warp {
  if (isCells(warp)) return cellsFor(warp, scale);
  if ('channels' in warp) return { channels: displacementsFor(warp.channels, 1, scale) };
  return 'matches' in warp || isKernel(warp) ? warp : smoothFor(warp, scale);
}

/**
 * The anchor of a pair of the shape of `a`, for a picture of the shape of `b`: layers keep their shape there, dots are
 * round, cells square, and turns by the same angle.
 */
export function anchorFor(fit: AnchorFit, a: Size, b: Size): AnchorFit {
  const { layer, screen, warp } = fit;
  const scale = scaledBy(timesOf(a, b), a, b);
  return {
    ...fit,
    ...(layer && { layer: shapedFor(layer, a, b) }),
    ...(screen && { screen: screenFor(screen, a, b) }),
    ...(warp && { warp: warpFor(warp, scale) }),
  };
}
