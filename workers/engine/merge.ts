/** Keeps the merged weights in step with the coefficients, with as little work as possible. */
import type { Model } from './model';
import type { Runtime } from './runtime';

/** Each partial merge adds a rounding error to the stored weights, so a full one clears them now and then. */
const MAX_PARTIAL = 16;

/** The one column in which `before` and `after` differ; 'none' or 'many' otherwise. */
export function changedElement(
  before: Float32Array,
  after: Float32Array,
  elements: number,
): number | 'none' | 'many' {
  let changed: number | 'none' = 'none';
  for (let i = 0; i < after.length; i += 1) {
    if (before[i] === after[i]) continue;
    const element = i % elements;
    if (changed !== 'none' && changed !== element) return 'many';
    changed = element;
  }
  return changed;
}

export class Merger<Data> {
  #merged: Float32Array | undefined;
  #partial = 0;

  constructor(
    private readonly runtime: Runtime<Data>,
    private readonly model: Model<Data>,
  ) {}

  /** After this the denoiser's weights are those of `coefficients` `[L, N]`. */
  async apply(coefficients: Float32Array): Promise<void> {
    const { compute } = this.runtime;
    const { targets, manifest } = this.model;
    const { elements, scale } = manifest.basis;
    const before = this.#merged;
    const changed = before === undefined ? 'many' : changedElement(before, coefficients, elements);
    if (changed === 'none') return;
    this.#merged = undefined; // until the GPU is done, nobody knows what is in the buffers
    if (before !== undefined && changed !== 'many' && this.#partial < MAX_PARTIAL) {
      const delta = Float32Array.from(targets, (_, row) => {
        const at = row * elements + changed;
        return coefficients[at] - before[at];
      });
      await compute.mergeElement(targets, changed, delta, scale);
      this.#partial += 1;
    } else {
      await compute.merge(targets, coefficients, elements, scale);
      this.#partial = 0;
    }
    await this.runtime.settle();
    this.#merged = coefficients.slice();
  }
}
