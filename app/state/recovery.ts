/**
 * Autosave and recovery: the three pictures and the options, kept after every change. Each slot
 * has its own key, so that changing one picture does not write the other two again.
 */
import type { Storage } from './storage';
import type { Store } from './store';
import { SLOTS, type Slot, type State } from './types';

export interface KeptPicture {
  readonly blob: Blob;
  readonly name: string;
}

export interface KeptOptions {
  readonly strength: number;
  readonly steps: number | undefined;
  readonly seed: number;
}

export interface Kept {
  readonly pictures: Readonly<Partial<Record<Slot, KeptPicture>>>;
  readonly options: KeptOptions | undefined;
}

const OPTIONS = 'options';
const slotKey = (slot: Slot): string => `slot:${slot}`;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function asPicture(value: unknown): KeptPicture | undefined {
  if (!isRecord(value) || !(value['blob'] instanceof Blob) || value['blob'].size === 0) return undefined;
  return { blob: value['blob'], name: typeof value['name'] === 'string' ? value['name'] : '' };
}

function inRange(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && value >= low && value <= high;
}

/** Kept values are from an earlier version of the page as likely as not: trust none of them. */
function asOptions(value: unknown): KeptOptions | undefined {
  if (!isRecord(value)) return undefined;
  const { strength, steps, seed } = value;
  return {
    strength: inRange(strength, 0, 2) ? strength : 1,
    steps: inRange(steps, 1, 50) ? Math.round(steps) : undefined,
    seed: inRange(seed, 0, 2 ** 32 - 1) ? Math.round(seed) : 0,
  };
}

export async function recover(storage: Storage): Promise<Kept> {
  const pictures: Partial<Record<Slot, KeptPicture>> = {};
  for (const slot of SLOTS) {
    const picture = asPicture(await storage.get(slotKey(slot)));
    if (picture) pictures[slot] = picture;
  }
  return { pictures, options: asOptions(await storage.get(OPTIONS)) };
}

/**
 * Save after every change. Writes are in order; a failed one is told once through `onFailure`
 * and does not stop the next. Returns a function that stops.
 */
export function autosave(
  store: Store,
  storage: Storage,
  blobOf: (id: string) => Blob | undefined,
  onFailure: (cause: unknown) => void,
): () => void {
  let queue: Promise<void> = Promise.resolve();
  const write = (task: () => Promise<void>): void => {
    queue = queue.then(task).catch(onFailure);
  };
  const save = (state: State, before: State): void => {
    if (state.asked === before.asked) return;
    for (const slot of SLOTS) {
      const picture = state.asked.pictures[slot];
      if (picture?.id === before.asked.pictures[slot]?.id) continue;
      const blob = picture && blobOf(picture.id);
      if (picture && blob) write(() => storage.set(slotKey(slot), { blob, name: picture.name }));
      else write(() => storage.delete(slotKey(slot)));
    }
    const { strength, steps, seed } = state.asked;
    const old = before.asked;
    if (strength === old.strength && steps === old.steps && seed === old.seed) return;
    write(() => storage.set(OPTIONS, { strength, steps, seed }));
  };
  return store.subscribe(save);
}
