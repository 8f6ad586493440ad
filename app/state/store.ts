/** The one store: vanilla, so that it works outside React and in tests. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Asked, Note, Picture, Place, Shown, Slot, State } from './types';

export const INITIAL: State = {
  asked: {
    pictures: { a: undefined, a2: undefined, b: undefined },
    strength: 1,
    steps: undefined,
    seed: 0,
  },
  shown: undefined,
  activity: { kind: 'idle' },
  busy: false,
  settling: false,
  preview: undefined,
  checking: [],
  notes: {},
  pack: undefined,
  said: '',
  updateReady: false,
  offlineReady: false,
  crashed: false,
};

export type Store = StoreApi<State>;

export function createAppStore(): Store {
  return createStore<State>()(() => INITIAL);
}

export function ask(store: Store, change: Partial<Omit<Asked, 'pictures'>>): void {
  store.setState(({ asked }) => ({ asked: { ...asked, ...change } }));
}

export function putPicture(store: Store, slot: Slot, picture: Picture | undefined): void {
  store.setState(({ asked }) => ({
    asked: { ...asked, pictures: { ...asked.pictures, [slot]: picture } },
  }));
}

export function note(store: Store, place: Place, value: Note | undefined): void {
  store.setState(({ notes }) => {
    const { [place]: _old, ...rest } = notes;
    return { notes: value ? { ...rest, [place]: value } : rest };
  });
}

export function setChecking(store: Store, slot: Slot, on: boolean): void {
  store.setState(({ checking }) => ({
    checking: on ? [...new Set([...checking, slot])] : checking.filter((other) => other !== slot),
  }));
}

/** Something runs that can be cancelled. */
export function isWorking({ busy, settling }: State): boolean {
  return busy || settling;
}

export function emptySlots({ pictures }: Asked): readonly Slot[] {
  return (['a', 'a2', 'b'] as const).filter((slot) => !pictures[slot]);
}

/** True when the pictures, steps or seed asked for are not those of the result that is shown. */
export function isStale(asked: Asked, shown: Shown): boolean {
  const { pictures } = asked;
  return (
    pictures.a?.id !== shown.pictures.a.id ||
    pictures.a2?.id !== shown.pictures.a2.id ||
    pictures.b?.id !== shown.pictures.b.id ||
    (asked.steps ?? shown.pack.steps) !== shown.report.steps ||
    asked.seed !== shown.report.seed
  );
}
