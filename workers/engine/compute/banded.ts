/**
 * Symmetric positive definite matrices with few bands, in double precision: row i of `[size, width + 1]` holds
 * M[i, i], M[i, i + 1], … M[i, i + width]. What lies beyond the last column is zero.
 */

/** X of M·X = R, `[size, columns]`; both are overwritten, `right` with X. */
export function solveBanded(
  bands: Float64Array,
  width: number,
  right: Float64Array,
  columns: number,
): Float64Array {
  const stride = width + 1;
  const size = bands.length / stride;
  for (let i = 0; i < size; i++) {
    const row = i * stride;
    const reach = Math.min(width, size - 1 - i);
    for (let j = 1; j <= reach; j++) {
      const factor = bands[row + j] / bands[row];
      if (factor === 0) continue;
      const below = (i + j) * stride - j;
      for (let k = j; k <= reach; k++) bands[below + k] -= factor * bands[row + k];
      for (let c = 0; c < columns; c++) right[(i + j) * columns + c] -= factor * right[i * columns + c];
    }
  }
  for (let i = size - 1; i >= 0; i--) {
    const row = i * stride;
    const reach = Math.min(width, size - 1 - i);
    for (let c = 0; c < columns; c++) {
      let sum = right[i * columns + c];
      for (let j = 1; j <= reach; j++) sum -= bands[row + j] * right[(i + j) * columns + c];
      right[i * columns + c] = sum / bands[row];
    }
  }
  return right;
}

/** Σ over the columns of X of xᵀM·x. */
export function quadraticForm(bands: Float64Array, width: number, x: Float64Array, columns: number): number {
  const stride = width + 1;
  const size = bands.length / stride;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const reach = Math.min(width, size - 1 - i);
    for (let c = 0; c < columns; c++) {
      let product = bands[i * stride] * x[i * columns + c];
      for (let j = 1; j <= reach; j++) product += 2 * bands[i * stride + j] * x[(i + j) * columns + c];
      sum += x[i * columns + c] * product;
    }
  }
  return sum;
}
