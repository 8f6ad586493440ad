/** Timing side by side: works take turns, so that whatever else the machine does hits all of them. */

/** Does one piece of work, or submits it to the device. */
export type Work = () => void | Promise<unknown>;

/** Milliseconds of one piece of work: the median of the rounds, and their quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** By this program's clock and, where the device tells and had any part in it, by the device's. */
export interface Timing extends Spread {
  readonly device?: Spread;
}

/** A device's own: clock.ts. */
export interface DeviceClock {
  start(): void;
  /** Milliseconds in which the device worked on what was recorded since `start` and is done; undefined for nothing. */
  stop(): Promise<number | undefined>;
}

export interface Turns {
  readonly rounds: number;
  /** Milliseconds after which no other round begins; a work that has had its share of them sits out. */
  readonly most?: number;
  readonly clock?: DeviceClock | undefined;
  /** Milliseconds that a turn takes at least: shorter work is repeated, so that submitting it and hearing of its end weigh little. */
  readonly least: number;
  /** Waits until all submitted work is done. */
  settle(): Promise<void>;
}

const MOST_REPEATS = 200;
/** Turns' worth of uncounted calls: JavaScript and WebAssembly are compiled well only once they have run a while. */
const WARM_UP = 25;

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

/** The first calls of each work are not counted: they compile kernels. The next tells how often to repeat it. */
export async function inTurns<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  { rounds, least, most = Infinity, clock, settle }: Turns,
): Promise<Record<Name, Timing>> {
  async function time(work: Work, repeats: number): Promise<{ here: number; device?: number }> {
    clock?.start();
    const start = performance.now();
    for (let i = 0; i < repeats; i += 1) await work();
    await settle();
    const here = (performance.now() - start) / repeats;
    const device = await clock?.stop();
    return device === undefined ? { here } : { here, device: device / repeats };
  }
  const entries = Object.entries<Work>(works);
  const repeats = new Map<string, number>();
  for (const [name, work] of entries) {
    const warm = performance.now() + WARM_UP * least;
    do await time(work, 1);
    while (performance.now() < warm);
    const { here: once } = await time(work, 1);
    repeats.set(name, Math.min(MOST_REPEATS, Math.max(1, Math.ceil(least / once))));
  }
  const times = new Map<string, Awaited<ReturnType<typeof time>>[]>(entries.map(([name]) => [name, []]));
  const spent = new Map<string, number>();
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && performance.now() - start > most) break;
    for (const [name, work] of entries) {
      if (round > 0 && (spent.get(name) ?? 0) > most / entries.length) continue;
      const began = performance.now();
      times.get(name)?.push(await time(work, repeats.get(name) ?? 1));
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - began);
    }
  }
  const timing = (measured: readonly { here: number; device?: number }[]): Timing => {
    const here = spreadOf(measured.map((each) => each.here));
    const device = measured.flatMap((each) => each.device ?? []);
    return device.length === 0 ? here : { ...here, device: spreadOf(device) };
  };
  return Object.fromEntries([...times].map(([name, values]) => [name, timing(values)])) as Record<
    Name,
    Timing
  >;
}
