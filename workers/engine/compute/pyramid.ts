/** The pictures that a search for what moved looks at: half as large, and with slopes. */

/** Means of 2 × 2 pixels, planar `[channels, S, S]`. */
export function halved(planes: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const half = Math.floor(size / 2);
  const channels = planes.length / (size * size);
  const out = new Float32Array(channels * half * half);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < half; y++) {
      for (let x = 0, at = (c * size + 2 * y) * size; x < half; x++, i++, at += 2)
        out[i] = (planes[at] + planes[at + 1] + planes[at + size] + planes[at + size + 1]) / 4;
    }
  }
  return out;
}

/** Of each pixel and channel the value and its derivatives along x and y per unit of p: `[S, S, channels, 3]`. */
export function withSlopes(planes: Float32Array, size: number): Float32Array<ArrayBuffer> {
  const channels = planes.length / (size * size);
  const out = new Float32Array(3 * planes.length);
  const unit = size / 4;
  let at = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < channels; c++) {
        const row = (c * size + y) * size;
        const above = y > 0 ? row - size : row;
        const below = y < size - 1 ? row + size : row;
        out[at++] = planes[row + x];
        out[at++] = (planes[row + Math.min(size - 1, x + 1)] - planes[row + Math.max(0, x - 1)]) * unit;
        out[at++] = (planes[below + x] - planes[above + x]) * unit;
      }
    }
  }
  return out;
}

/** `[S, S, 3]` of planar `[3, S, S]`. */
export function interleaved(planes: Float32Array): Float32Array<ArrayBuffer> {
  const plane = planes.length / 3;
  const out = new Float32Array(planes.length);
  for (let c = 0; c < 3; c++) for (let i = 0; i < plane; i++) out[3 * i + c] = planes[c * plane + i];
  return out;
}
