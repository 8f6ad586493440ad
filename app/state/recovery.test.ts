import { describe, expect, it, vi } from 'vitest';
import { autosave, recover } from './recovery';
import type { Storage } from './storage';
import { ask, createAppStore, putPicture } from './store';

function memory(): Storage & { readonly kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    kept,
    get: (key) => Promise.resolve(kept.get(key)),
    set: async (key, value) => void kept.set(key, value),
    delete: async (key) => void kept.delete(key),
  };
}

const blob = new Blob(['picture'], { type: 'image/png' });
const picture = { id: 'picture-1', name: 'beach.png', bytes: 7, width: 4, height: 3 };
const fail = (cause: unknown): never => expect.fail(String(cause));
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('autosave and recover', () => {
  it('brings back pictures and options', async () => {
    const storage = memory();
    const store = createAppStore();
    autosave(store, storage, () => blob, fail);
    putPicture(store, 'b', picture);
    ask(store, { strength: 1.4, steps: 6, seed: 42 });
    await settled();
    expect(await recover(storage)).toEqual({
      pictures: { b: { blob, name: 'beach.png' } },
      options: { strength: 1.4, steps: 6, seed: 42 },
    });
  });

  it('forgets a picture that was removed', async () => {
    const storage = memory();
    const store = createAppStore();
    autosave(store, storage, () => blob, fail);
    putPicture(store, 'a', picture);
    putPicture(store, 'a', undefined);
    await settled();
    expect(storage.kept.size).toBe(0);
  });

  it('writes a picture once, not at every change of an option', async () => {
    const storage = memory();
    const store = createAppStore();
    putPicture(store, 'a', picture);
    const set = vi.spyOn(storage, 'set');
    autosave(store, storage, () => blob, fail);
    ask(store, { seed: 1 });
    ask(store, { seed: 2 });
    await settled();
    expect(set.mock.calls.map(([key]) => key)).toEqual(['options', 'options']);
  });

  it('tells a failure and goes on with the next write', async () => {
    const storage = memory();
    const store = createAppStore();
    const failure = vi.fn();
    vi.spyOn(storage, 'set').mockRejectedValueOnce(new Error('full'));
    autosave(store, storage, () => blob, failure);
    ask(store, { seed: 1 });
    ask(store, { seed: 2 });
    await settled();
    expect(failure).toHaveBeenCalledOnce();
    expect(storage.kept.get('options')).toMatchObject({ seed: 2 });
  });

  it('does not trust what is kept', async () => {
    const storage = memory();
    storage.kept.set('slot:a', { blob: 'not a blob' });
    storage.kept.set('slot:b', { blob: new Blob([]) });
    storage.kept.set('options', { strength: 9, steps: 'many', seed: -1 });
    expect(await recover(storage)).toEqual({
      pictures: {},
      options: { strength: 1, steps: undefined, seed: 0 },
    });
  });
});
