/** Timing side by side: works take turns, so that whatever else the machine does hits all of them. */

/** Does one piece of work, or submits it to the device. */
export type Work = () => void | Promise<unknown>;

/** Milliseconds of one piece of work: the median of the rounds, and their quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Turns {
  readonly rounds: number;
  /** Milliseconds that a turn takes at least: shorter work is repeated, so that submitting it and hearing of its end weigh little. */
  readonly least: number;
  /** Waits until all submitted work is done. */
  settle(): Promise<void>;
}

const MOST_REPEATS = 200;

function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((x, y) => x - y);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** The first call of each work is not counted: it compiles kernels. The second tells how often to repeat it. */
export async function inTurns<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  { rounds, least, settle }: Turns,
): Promise<Record<Name, Spread>> {
  async function time(work: Work, repeats: number): Promise<number> {
    const start = performance.now();
    for (let i = 0; i < repeats; i += 1) await work();
    await settle();
    return (performance.now() - start) / repeats;
  }
  const entries = Object.entries<Work>(works);
  const repeats = new Map<string, number>();
  for (const [name, work] of entries) {
    await time(work, 1);
    const once = await time(work, 1);
    repeats.set(name, Math.min(MOST_REPEATS, Math.max(1, Math.ceil(least / once))));
  }
  const times = new Map<string, number[]>(entries.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, work] of entries) times.get(name)?.push(await time(work, repeats.get(name) ?? 1));
  }
  return Object.fromEntries([...times].map(([name, values]) => [name, spreadOf(values)])) as Record<
    Name,
    Spread
  >;
}
