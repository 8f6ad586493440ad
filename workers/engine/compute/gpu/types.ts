/** Tensor types as WGSL calls them. */
import type { Tensor } from '../compute';
import type { Scalar } from './kernels';

export function scalarOf({ type }: Pick<Tensor<GPUBuffer>, 'type'>): Scalar {
  return type === 'float16' ? 'f16' : 'f32';
}

/** The one type of several tensors that a kernel reads as one. */
export function commonScalar(...tensors: readonly Tensor<GPUBuffer>[]): Scalar {
  const [first, ...others] = tensors.map(scalarOf);
  if (others.some((other) => other !== first)) {
    throw new Error(`tensors of one kind have types ${tensors.map(({ type }) => type).join(' and ')}`);
  }
  return first;
}

/** Workgroups for `count` values, 256 an invocation row, and the invocations of one row. */
export function linear(
  count: number,
  limit: number,
): { workgroups: readonly [number, number]; stride: number } {
  const groups = Math.ceil(count / 256);
  const across = Math.min(groups, limit);
  return { workgroups: [across, Math.ceil(groups / across)], stride: across * 256 };
}
