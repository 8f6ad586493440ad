/** Symmetric systems in double precision, of which the lower half is kept: sums of products, and their solution. */

/**
 * Adds XᵀX of `count` rows of X `[count, size]` to the lower half of a row-major `size × size` matrix; what is above it
 * then has no meaning.
 */
export function addProducts(matrix: Float64Array, rows: Float64Array, count: number, size: number): void {
  const [fours, pairs] = [count - (count % 4), size - (size % 2)];
  // Four rows and two columns at a time: a sum is read and written once for four products, a value read for two.
  for (let row = 0; row < fours; row += 4) {
    const [a, b, c, d] = [row * size, (row + 1) * size, (row + 2) * size, (row + 3) * size];
    for (let i = 0; i < pairs; i += 2) {
      const [a0, b0, c0, d0] = [rows[a + i], rows[b + i], rows[c + i], rows[d + i]];
      const [a1, b1, c1, d1] = [rows[a + i + 1], rows[b + i + 1], rows[c + i + 1], rows[d + i + 1]];
      const [upper, lower] = [i * size, (i + 1) * size];
      for (let j = 0; j <= i + 1; j++) {
        const p = rows[a + j];
        const q = rows[b + j];
        const r = rows[c + j];
        const s = rows[d + j];
        matrix[upper + j] += a0 * p + b0 * q + (c0 * r + d0 * s);
        matrix[lower + j] += a1 * p + b1 * q + (c1 * r + d1 * s);
      }
    }
  }
  for (let row = 0; row < count; row++) {
    const from = row * size;
    for (let i = row < fours ? pairs : 0; i < size; i++)
      for (let j = 0; j <= i; j++) matrix[i * size + j] += rows[from + i] * rows[from + j];
  }
}

/**
 * X of M·X = R for a row-major symmetric positive definite `size × size` M, of which the lower half is read, and a
 * `size × columns` R; both are overwritten. Undefined when M is not positive definite to working precision.
 */
export function solveCholesky(
  matrix: Float64Array,
  right: Float64Array,
  size: number,
  columns: number,
): Float64Array | undefined {
  for (let j = 0; j < size; j++) {
    const own = j * size;
    let square = matrix[own + j];
    for (let k = own; k < own + j; k++) square -= matrix[k] * matrix[k];
    // Also false for NaN.
    if (!(square > 0)) return undefined;
    const root = Math.sqrt(square);
    matrix[own + j] = root;
    // Four rows at a time: their sums do not wait for one another.
    let i = j + 1;
    for (; i + 3 < size; i += 4) {
      const [a, b, c, d] = [i * size, (i + 1) * size, (i + 2) * size, (i + 3) * size];
      let [p, q, r, s] = [matrix[a + j], matrix[b + j], matrix[c + j], matrix[d + j]];
      for (let k = 0; k < j; k++) {
        const its = matrix[own + k];
        p -= matrix[a + k] * its;
        q -= matrix[b + k] * its;
        r -= matrix[c + k] * its;
        s -= matrix[d + k] * its;
      }
      matrix[a + j] = p / root;
      matrix[b + j] = q / root;
      matrix[c + j] = r / root;
      matrix[d + j] = s / root;
    }
    for (; i < size; i++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k] * matrix[own + k];
      matrix[i * size + j] = sum / root;
    }
  }
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < size; i++) {
      let sum = right[i * columns + c];
      for (let k = 0; k < i; k++) sum -= matrix[i * size + k] * right[k * columns + c];
      right[i * columns + c] = sum / matrix[i * size + i];
    }
    for (let i = size - 1; i >= 0; i--) {
      let sum = right[i * columns + c];
      for (let k = i + 1; k < size; k++) sum -= matrix[k * size + i] * right[k * columns + c];
      right[i * columns + c] = sum / matrix[i * size + i];
    }
  }
  return right;
}
