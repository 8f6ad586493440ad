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

/** How much of b's axes a length is that is 1 of a's: such that it is as much of the shorter side. */
function scaleOf(a: Size, b: Size): readonly [number, number] {
  const short = Math.min(b.width, b.height) / Math.min(a.width, a.height);
  return [(a.width / b.width) * short, (a.height / b.height) * short];
}

function screenFor(screen: Screen, [x, y]: readonly [number, number]): Screen {
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
  const scale = scaleOf(a, b);
  return {
    ...fit,
    ...(layer && { layer: shapedFor(layer, a, b) }),
    ...(screen && { screen: screenFor(screen, scale) }),
    ...(warp && { warp: warpFor(warp, scale) }),
  };
}
