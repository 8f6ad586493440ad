/**
 * The session joins the store, the engine and the owners of pixels. Everything a person can do
 * goes through it, so that the page, the tests and the keyboard do the same thing.
 */
import type { Engine } from '../engine';
import { text } from '../i18n';
import type { Images } from '../triplet/images';
import type { Pixels } from '../result/pixels';
import { latest } from './latest';
import { autosave, recover } from './recovery';
import { generate, loadPack, readAhead, rerender } from './run';
import type { Storage } from './storage';
import { ask, INITIAL, isWorking, note, putPicture, setChecking, type Store } from './store';
import { SLOTS, type Place, type Slot } from './types';

/** What a session needs of the engine. */
export type SessionEngine = Pick<
  Engine,
  'pack' | 'load' | 'inspect' | 'encode' | 'run' | 'rerender' | 'diagnostics'
>;

export interface Parts {
  readonly store: Store;
  readonly engine: SessionEngine;
  readonly images: Images;
  readonly pixels: Pixels;
  readonly storage: Storage;
  /** Resolves when the service worker controls the page, so that the runtime and pack are kept. */
  readonly whenCacheReady: Promise<void>;
  /** Has these addresses kept; true when the page then works with the server gone. */
  readonly keepForOffline: (addresses: readonly string[]) => Promise<boolean>;
}

export class Session {
  #job: AbortController | undefined;
  /** What is done ahead of a run; ended by anything that changes what the run will be of. */
  #ahead = new AbortController();
  /** Raised by every drop on a slot: a slow inspection must not overwrite a newer drop. */
  readonly #turns: Record<Slot, number> = { a: 0, a2: 0, b: 0 };
  readonly #rerender = latest<number>((strength) =>
    rerender(this.parts, strength, new AbortController().signal),
  );

  constructor(readonly parts: Parts) {}

  get store(): Store {
    return this.parts.store;
  }

  say(said: string): void {
    this.store.setState({ said });
  }

  dismiss(place: Place): void {
    note(this.store, place, undefined);
  }

  /** Put a file into a slot. What was there stays until the new one has been found good. */
  async place(slot: Slot, blob: Blob, name: string): Promise<boolean> {
    const { store, engine, images } = this.parts;
    const turn = ++this.#turns[slot];
    note(store, slot, undefined);
    if (blob.type && !blob.type.startsWith('image/')) {
      note(store, slot, text.notes.notImage);
      return false;
    }
    setChecking(store, slot, true);
    const outcome = await engine.inspect(blob);
    if (turn !== this.#turns[slot]) return false;
    setChecking(store, slot, false);
    if (!outcome.ok) {
      if (!outcome.aborted) note(store, slot, outcome.error);
      return false;
    }
    putPicture(store, slot, { id: images.add(blob), name, bytes: blob.size, ...outcome.value });
    this.#sweep();
    this.say(text.said.placed(slot));
    void this.warm();
    return true;
  }

  remove(slot: Slot): void {
    this.#turns[slot]++;
    setChecking(this.store, slot, false);
    note(this.store, slot, undefined);
    putPicture(this.store, slot, undefined);
    this.#ahead.abort();
    this.#sweep();
  }

  clear(): void {
    this.cancel();
    for (const slot of SLOTS) this.#turns[slot]++;
    const { pack, updateReady, offlineReady } = this.store.getState();
    this.store.setState({ ...INITIAL, pack, updateReady, offlineReady, said: text.said.cleared }, true);
    Object.assign(this.parts.pixels, { result: undefined, preview: undefined, coefficients: undefined });
    this.#sweep();
  }

  /**
   * Load the pack ahead of the first run, and read the pictures once the pair is there. A failure is shown only
   * when the run meets it.
   */
  async warm(): Promise<void> {
    this.#ahead.abort();
    const { signal } = (this.#ahead = new AbortController());
    await this.parts.whenCacheReady;
    const { busy, crashed } = this.store.getState();
    if (busy || crashed) return;
    const loaded =
      this.parts.engine.pack !== undefined ||
      (await loadPack(this.parts, new AbortController().signal, true));
    if (loaded) await readAhead(this.parts, signal);
  }

  async generate(): Promise<void> {
    if (isWorking(this.store.getState())) return;
    const job = new AbortController();
    this.#job = job;
    await generate(this.parts, job.signal);
    this.#sweep();
  }

  cancel(): void {
    this.#job?.abort();
    this.#ahead.abort();
  }

  setStrength(strength: number): void {
    ask(this.store, { strength });
    const state = this.store.getState();
    if (state.shown && !isWorking(state)) void this.#rerender(strength);
  }

  /** True when the picture in `pixels` is the full-size one; it is rendered first where it is not. */
  async settle(): Promise<boolean> {
    const { store } = this;
    const { shown, asked } = store.getState();
    if (shown?.full !== false) return shown !== undefined;
    const job = new AbortController();
    this.#job = job;
    store.setState({ settling: true, said: '' });
    try {
      await rerender(this.parts, asked.strength, job.signal, true);
    } finally {
      store.setState({ settling: false, activity: { kind: 'idle' } });
    }
    if (job.signal.aborted) this.say(text.said.cancelled);
    const now = store.getState();
    const done = now.shown?.full === true;
    // The strength may have been moved meanwhile; what is saved is what was asked for at the click.
    if (now.asked.strength !== asked.strength) void this.#rerender(now.asked.strength);
    return done;
  }

  /** Bring back what was kept, then keep every change. */
  async recover(): Promise<void> {
    const { store, storage, images } = this.parts;
    const failure = (): void => note(store, 'engine', text.notes.save);
    try {
      const kept = await recover(storage);
      if (kept.options) ask(store, kept.options);
      autosave(store, storage, (id) => images.blob(id), failure);
      const slots = SLOTS.filter((slot) => kept.pictures[slot] && !store.getState().asked.pictures[slot]);
      const placed = await Promise.all(
        slots.map((slot) => {
          const picture = kept.pictures[slot];
          return picture ? this.place(slot, picture.blob, picture.name) : Promise.resolve(false);
        }),
      );
      if (placed.some(Boolean)) this.say(text.said.recovered);
    } catch {
      autosave(store, storage, (id) => images.blob(id), failure);
    }
  }

  #sweep(): void {
    const { asked, shown } = this.store.getState();
    const used = [...Object.values(asked.pictures), ...Object.values(shown?.pictures ?? {})];
    this.parts.images.keepOnly(new Set(used.flatMap((picture) => (picture ? [picture.id] : []))));
  }
}
