import { describe, expect, it } from 'vitest';
import { addProducts, solveCholesky } from './cholesky';

/** Numbers in −1..1, the same ones each time. */
function numbers(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => Math.sin(1 + 78.233 * i * i));
}

describe('addProducts and solveCholesky', () => {
  // Fours and pairs of rows and columns are taken together: whatever is left over has to be there too.
  it.each([
    [1, 1],
    [7, 2],
    [9, 5],
    [40, 6],
    [43, 7],
  ])('finds what %i rows of %i columns were made of', (count, size) => {
    const rows = numbers(count * size);
    const matrix = new Float64Array(size * size).fill(1);
    addProducts(matrix, rows, count, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 1;
        for (let row = 0; row < count; row++) sum += rows[row * size + i] * rows[row * size + j];
        expect(matrix[i * size + j]).toBeCloseTo(sum, 10);
      }
    }
    const truth = numbers(2 * size);
    const lower = matrix.slice();
    const at = (i: number, j: number): number => lower[Math.max(i, j) * size + Math.min(i, j)];
    const right = Float64Array.from({ length: 2 * size }, (_, k) => {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += at(Math.floor(k / 2), j) * truth[2 * j + (k % 2)];
      return sum;
    });
    const solved = solveCholesky(matrix, right, size, 2);
    solved?.forEach((value, k) => expect(value).toBeCloseTo(truth[k], 6));
    expect(solved).toBeDefined();
  });

  it('has no solution where the matrix is not positive definite', () => {
    expect(solveCholesky(Float64Array.of(1, 0, 2, 1), new Float64Array(2), 2, 1)).toBeUndefined();
    expect(solveCholesky(Float64Array.of(NaN), new Float64Array(1), 1, 1)).toBeUndefined();
  });
});
