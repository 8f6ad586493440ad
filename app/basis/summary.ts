/** From coefficients c[l, n] to what a person sees of them. */
import type { Coefficients } from '../../workers/engine/protocol';

/** Mean over targets, per element. */
export function elementMeans({ targets, elements, values }: Coefficients): Float64Array {
  const means = new Float64Array(elements);
  for (let l = 0; l < targets; l++) {
    for (let n = 0; n < elements; n++) means[n] = (means[n] ?? 0) + (values[l * elements + n] ?? 0) / targets;
  }
  return means;
}

/** Indices of the `count` elements with the largest absolute mean, largest first. */
export function strongest(means: Float64Array, count: number): readonly number[] {
  return [...means.keys()]
    .sort((m, n) => Math.abs(means[n] ?? 0) - Math.abs(means[m] ?? 0) || m - n)
    .slice(0, count);
}

/** True when no element stands out: the largest is less than one and a half times the average. */
export function isEven(means: Float64Array): boolean {
  const sum = means.reduce((total, mean) => total + Math.abs(mean), 0);
  return largest(means) * means.length < 1.5 * sum;
}

export function largest(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** A name that stands alone, in a table or a tooltip. */
export function sentenceCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
