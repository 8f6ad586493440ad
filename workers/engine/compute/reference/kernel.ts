/** The anchor's kernel: an image filtered at its own size (docs/architecture.md, "Kernel"). */
import { KERNEL_RADIUS, KERNEL_SIDE, type Kernel, type Warp } from '../compute';
import { clampIndex, sampledSource, type Source } from './source';

export function isKernel(warp: Warp): warp is Kernel {
  return 'kernel' in warp;
}

/** An anchor for means of a picture's pixels, which a kernel leaves as they are. */
export function ofMeans<A extends { readonly warp?: Warp | undefined }>(anchor: A): A {
  return anchor.warp !== undefined && isKernel(anchor.warp) ? { ...anchor, warp: undefined } : anchor;
}

/** `source` filtered, as far as one has pixels: what is sampled is the pixel that a place is in. */
export function kernelSource(source: Source, { kernel }: Kernel): Source {
  const { width, height } = source;
  const padded = width + 2 * KERNEL_RADIUS;
  // Rows around the one that is read, a channel after the other, with the edges repeated: row y in place y mod 9.
  const rows = Array.from({ length: KERNEL_SIDE }, () => new Float32Array(3 * padded));
  const held = new Int32Array(KERNEL_SIDE).fill(-1);
  const line = new Float32Array(width);

  function rowAt(y: number): Float32Array {
    const place = y % KERNEL_SIDE;
    const row = rows[place];
    if (held[place] === y) return row;
    held[place] = y;
    for (let c = 0; c < 3; c++) {
      source.line(c, [0.5 / width, (y + 0.5) / height], [1 / width, 0], width, line);
      const from = c * padded;
      row.fill(line[0], from, from + KERNEL_RADIUS);
      row.set(line, from + KERNEL_RADIUS);
      row.fill(line[width - 1], from + KERNEL_RADIUS + width, from + padded);
    }
    return row;
  }

  // Kernels are mostly of few pixels.
  const taps = [...kernel.keys()].filter((k) => kernel[k] !== 0);
  const shares = Float64Array.from(taps, (k) => kernel[k]);
  const across = Int32Array.from(taps, (k) => k % KERNEL_SIDE);
  const down = Int32Array.from(taps, (k) => Math.floor(k / KERNEL_SIDE));
  let around: readonly Float32Array[] = [];
  let at = -1;

  return sampledSource(width, height, (u, v, out) => {
    const x = clampIndex(Math.floor(u * width), width);
    const y = clampIndex(Math.floor(v * height), height);
    if (y !== at) {
      at = y;
      around = Array.from({ length: KERNEL_SIDE }, (_, j) =>
        rowAt(clampIndex(y + j - KERNEL_RADIUS, height)),
      );
    }
    let r = 0;
    let g = 0;
    let b = 0;
    for (let k = 0; k < shares.length; k++) {
      const row = around[down[k]];
      const from = x + across[k];
      const share = shares[k];
      r += share * row[from];
      g += share * row[padded + from];
      b += share * row[2 * padded + from];
    }
    out[0] = r;
    out[1] = g;
    out[2] = b;
  });
}
