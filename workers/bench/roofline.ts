/** How long a device needs at least: for the bytes at its bandwidth, or for the arithmetic at its peak. */

/** What some work has to move and to compute in f32 (kernels do, whatever they store). */
export interface Demand {
  readonly bytes: number;
  readonly operations: number;
}

/** An amount that took some time: bytes, or operations in a type. */
export interface Reached {
  readonly of: 'bytes' | 'float32' | 'float16';
  readonly amount: number;
  readonly ms: number;
}

/** The best of what was reached is the roof. */
export function roofOf(
  reached: readonly Reached[],
): (demand: Demand) => { readonly ms: number; readonly by: 'bytes' | 'arithmetic' } {
  const most = (wanted: Reached['of']): number =>
    Math.max(0, ...reached.filter(({ of }) => of === wanted).map(({ amount, ms }) => amount / ms));
  const bandwidth = most('bytes');
  const peak = most('float32');
  return ({ bytes, operations }) => {
    const moving = bytes / bandwidth;
    const computing = operations / peak;
    return moving >= computing ? { ms: moving, by: 'bytes' } : { ms: computing, by: 'arithmetic' };
  };
}
