/** Reads sizes off tensors' dims, and says in a sentence when they do not fit together. */
import type { MergeTarget, Tensor } from './compute';
import type { TargetShape } from './reference/merge';
import type { RouteShape } from './reference/route';

type Shaped = Pick<Tensor<never>, 'dims'>;

export function count(dims: readonly number[]): number {
  return dims.reduce((product, length) => product * length, 1);
}

/** The side S of `[channels, S, S]` or `[1, channels, S, S]`. */
export function sideOf({ dims }: Shaped, channels: number): number {
  const side = dims[dims.length - 1];
  if (dims.length < 3 || dims[dims.length - 2] !== side || count(dims) !== channels * side * side) {
    throw new Error(`expected ${channels} square planes, got dims ${dims.join('×')}`);
  }
  return side;
}

/** e holds Q values, keys `[L, N, d]`, query `[L, d, Q]`. */
export function routeShape(e: Shaped, keys: Shaped, query: Shaped): RouteShape {
  const [targets, elements, keySize] = keys.dims;
  const inputs = count(e.dims);
  if (query.dims[0] !== targets || query.dims[1] !== keySize || query.dims[2] !== inputs) {
    throw new Error(
      `keys ${keys.dims.join('×')} and query ${query.dims.join('×')} do not fit an encoding of ${inputs}`,
    );
  }
  return { targets, elements, keySize, inputs };
}

export function targetShape<Data>({ base, a, b, merged }: MergeTarget<Data>): TargetShape {
  const [inputs, outputs] = base.dims;
  const rank = a.dims[2];
  if (
    a.dims[1] !== inputs ||
    b.dims[1] !== rank ||
    b.dims[2] !== outputs ||
    count(merged.dims) !== inputs * outputs
  ) {
    throw new Error(
      `a ${a.dims.join('×')} and b ${b.dims.join('×')} do not fit a layer of ${inputs}×${outputs}`,
    );
  }
  return { inputs, outputs, rank };
}
