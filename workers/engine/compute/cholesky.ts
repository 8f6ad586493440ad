/** Solves a symmetric positive definite system in double precision. */

/**
 * X of M·X = R for a row-major `size × size` M and `size × columns` R; both are overwritten.
 * Undefined when M is not positive definite to working precision.
 */
export function solveCholesky(
  matrix: Float64Array,
  right: Float64Array,
  size: number,
  columns: number,
): Float64Array | undefined {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k] * matrix[j * size + k];
      if (i !== j) {
        matrix[i * size + j] = sum / matrix[j * size + j];
      } else {
        // Also false for NaN.
        if (!(sum > 0)) return undefined;
        matrix[i * size + i] = Math.sqrt(sum);
      }
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
