/** Owns tensors that live and die together, so that a failure half-way leaks nothing. */
import type { Compute, FullImage, Tensor } from './compute/compute';

type Held<Data> = Tensor<Data> | FullImage<Data>;

export class Arena<Data> {
  readonly #held = new Set<Held<Data>>();

  constructor(private readonly compute: Pick<Compute<Data>, 'release'>) {}

  keep<T extends Held<Data>>(item: T): T {
    this.#held.add(item);
    return item;
  }

  /** Earlier than the rest. */
  release(item: Held<Data>): void {
    if (this.#held.delete(item)) this.compute.release(item);
  }

  dispose(): void {
    for (const item of this.#held) this.compute.release(item);
    this.#held.clear();
  }
}
