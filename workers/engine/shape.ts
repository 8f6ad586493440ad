/** An anchor for a picture of another shape or size than the pair's. */
import type { AnchorFit } from './compute/anchor-fit';
import type { Cells, Screen } from './compute/compute';
import { isCells } from './compute/reference/cells';
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

/**
 * The anchor of a pair of the shape of `a`, for a picture of the shape of `b`: layers keep their shape there, dots are
 * round and cells square.
 */
export function anchorFor(fit: AnchorFit, a: Size, b: Size): AnchorFit {
  const { layer, screen, warp } = fit;
  const scale = scaleOf(a, b);
  return {
    ...fit,
    ...(layer && { layer: shapedFor(layer, a, b) }),
    ...(screen && { screen: screenFor(screen, scale) }),
    ...(warp && isCells(warp) && { warp: cellsFor(warp, scale) }),
  };
}
