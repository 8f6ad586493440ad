/** W′ = W + scale·Σ_n c[n]·A_n·B_n of one target, in f32. */
export interface TargetShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly rank: number;
}

/** One basis element that takes part, with its coefficient times the basis' scale. */
export interface Term {
  readonly element: number;
  readonly factor: number;
}

/** The terms of one target; an element whose coefficient is exactly zero has none. */
export function termsOf(coefficients: Float32Array, target: number, elements: number, scale: number): Term[] {
  const terms: Term[] = [];
  for (let n = 0; n < elements; n++) {
    const coefficient = coefficients[target * elements + n];
    if (coefficient !== 0) terms.push({ element: n, factor: coefficient * scale });
  }
  return terms;
}

/** Adds the terms to `merged`, which holds the base already; a is `[N, in, r]`, b `[N, r, out]`. */
export function addTerms(
  merged: Float32Array,
  a: Float32Array,
  b: Float32Array,
  shape: TargetShape,
  terms: readonly Term[],
): void {
  const { inputs, outputs, rank } = shape;
  for (let i = 0; i < inputs; i++) {
    const row = merged.subarray(i * outputs, (i + 1) * outputs);
    for (const { element, factor } of terms) {
      const at = (element * inputs + i) * rank;
      let k = 0;
      // Four ranks at a time: a quarter of the passes over the row.
      for (; k + 4 <= rank; k += 4) {
        const f0 = factor * a[at + k];
        const f1 = factor * a[at + k + 1];
        const f2 = factor * a[at + k + 2];
        const f3 = factor * a[at + k + 3];
        const b0 = (element * rank + k) * outputs;
        const b1 = b0 + outputs;
        const b2 = b1 + outputs;
        const b3 = b2 + outputs;
        for (let o = 0; o < outputs; o++)
          row[o] += f0 * b[b0 + o] + f1 * b[b1 + o] + f2 * b[b2 + o] + f3 * b[b3 + o];
      }
      for (; k < rank; k++) {
        const f = factor * a[at + k];
        const b0 = (element * rank + k) * outputs;
        for (let o = 0; o < outputs; o++) row[o] += f * b[b0 + o];
      }
    }
  }
}
