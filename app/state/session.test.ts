import { beforeEach, describe, expect, it, vi } from 'vitest';
import type {
  Coefficients,
  Outcome,
  PackInfo,
  RunOptions,
  RunResult,
  Triplet,
} from '../../workers/engine/protocol';
import { deferred } from '../deferred';
import { text } from '../i18n';
import type { Pixels } from '../result/pixels';
import { images } from '../triplet/images';
import { Session, type SessionEngine } from './session';
import { createAppStore, isStale } from './store';

const pack: PackInfo = {
  id: 'tiny',
  name: 'Tiny',
  version: '1',
  licence: 'CC0-1.0',
  bytes: 1,
  size: 8,
  steps: 4,
  targets: ['t'],
  elements: 2,
  rank: 1,
  elementNames: [undefined, undefined],
  backend: 'wasm',
  precision: 'fp32',
  adapter: 'test',
};

function result(
  { strength = 1, steps = pack.steps, seed = 0 }: RunOptions,
  size = { width: 1, height: 1 },
): RunResult {
  return {
    image: { width: 1, height: 1, data: new Uint8ClampedArray(4) },
    coefficients: { targets: 1, elements: 2, values: Float32Array.of(0.5, 0.5) },
    report: {
      timings: {},
      stepTimings: [],
      anchor: 'colour',
      backend: 'wasm',
      adapter: 'test',
      precision: 'fp32',
      strength,
      steps,
      seed,
      size,
      place: { left: 0, top: 0, width: 1, height: 1 },
    },
  };
}

const good = <T>(value: T): Outcome<T> => ({ ok: true, value });
const bad: Outcome<never> = {
  ok: false,
  aborted: false,
  error: { code: 'image/damaged', message: 'Damaged.', remedy: 'Use another one.' },
};

const fake = {
  pack: pack as PackInfo | undefined,
  load: vi.fn(async () => good(pack)),
  inspect: vi.fn(async (): Promise<Outcome<{ width: number; height: number }>> =>
    good({ width: 4, height: 3 }),
  ),
  encode: vi.fn(async (_signal: AbortSignal, _triplet: Triplet): Promise<Outcome<Coefficients>> =>
    good({ targets: 1, elements: 2, values: Float32Array.of(0.5, 0.5) }),
  ),
  run: vi.fn(
    async (_signal: AbortSignal, _triplet: unknown, options: RunOptions): Promise<Outcome<RunResult>> =>
      good(result(options)),
  ),
  rerender: vi.fn(async (_signal: AbortSignal, options: RunOptions): Promise<Outcome<RunResult>> =>
    good(result(options)),
  ),
  diagnostics: async () => undefined,
} satisfies SessionEngine;

let session: Session;
const state = (): ReturnType<Session['store']['getState']> => session.store.getState();
const picture = new Blob(['x'], { type: 'image/png' });

async function placeAll(): Promise<void> {
  for (const slot of ['a', 'a2', 'b'] as const) await session.place(slot, picture, `${slot}.png`);
}

beforeEach(() => {
  vi.clearAllMocks();
  const pixels: Pixels = { result: undefined, preview: undefined, coefficients: undefined };
  const storage = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
  session = new Session({
    store: createAppStore(),
    engine: fake,
    images,
    pixels,
    storage,
    whenCacheReady: Promise.resolve(),
    keepForOffline: async () => true,
  });
});

describe('placing a picture', () => {
  it('puts a good one in its slot', async () => {
    expect(await session.place('a', picture, 'a.png')).toBe(true);
    expect(state().asked.pictures.a).toMatchObject({ name: 'a.png', width: 4, height: 3 });
    expect(state().checking).toEqual([]);
  });

  it('keeps what was there when the new one is damaged, and says so beside it', async () => {
    await session.place('b', picture, 'old.png');
    fake.inspect.mockResolvedValueOnce(bad);
    expect(await session.place('b', picture, 'new.png')).toBe(false);
    expect(state().asked.pictures.b?.name).toBe('old.png');
    expect(state().notes.b).toMatchObject({ code: 'image/damaged' });
  });

  it('does not ask the engine about a file that is no picture', async () => {
    await session.place('a', new Blob(['x'], { type: 'text/plain' }), 'a.txt');
    expect(fake.inspect).not.toHaveBeenCalled();
    expect(state().notes.a?.remedy).toBeTruthy();
  });

  it('lets the later of two drops win, whichever is inspected first', async () => {
    const inspection = deferred<Outcome<{ width: number; height: number }>>();
    fake.inspect.mockReturnValueOnce(inspection.promise);
    const slow = session.place('a', picture, 'slow.png');
    await session.place('a', picture, 'fast.png');
    inspection.resolve(good({ width: 1, height: 1 }));
    expect(await slow).toBe(false);
    expect(state().asked.pictures.a?.name).toBe('fast.png');
  });
});

describe('generating', () => {
  it('says which pictures are missing and runs nothing', async () => {
    await session.place('a', picture, 'a.png');
    await session.generate();
    expect(Object.keys(state().notes)).toEqual(['a2', 'b']);
    expect(fake.run).not.toHaveBeenCalled();
  });

  it('waits for a picture that is still being looked at', async () => {
    await session.place('a', picture, 'a.png');
    await session.place('a2', picture, 'a2.png');
    const inspection = deferred<Outcome<{ width: number; height: number }>>();
    fake.inspect.mockReturnValueOnce(inspection.promise);
    const placing = session.place('b', picture, 'b.png');
    const run = session.generate();
    expect(state()).toMatchObject({ busy: true, notes: {} });
    inspection.resolve(good({ width: 1, height: 1 }));
    await Promise.all([placing, run]);
    expect(state().shown?.pictures.b.name).toBe('b.png');
  });

  it('runs nothing when the picture that it waited for is damaged, or when it is cancelled meanwhile', async () => {
    await placeAll();
    const inspections = [deferred<Outcome<never>>(), deferred<Outcome<never>>()] as const;
    for (const { promise } of inspections) fake.inspect.mockReturnValueOnce(promise);
    const placing = session.place('b', picture, 'damaged.png');
    const run = session.generate();
    inspections[0].resolve(bad);
    await Promise.all([placing, run]);
    expect(state()).toMatchObject({ busy: false, notes: { b: { code: 'image/damaged' } } });
    const again = session.place('b', picture, 'slow.png');
    const cancelled = session.generate();
    session.cancel();
    await cancelled;
    expect(state()).toMatchObject({ busy: false, said: text.said.cancelled });
    inspections[1].resolve(bad);
    await again;
    expect(fake.run).not.toHaveBeenCalled();
  });

  it('shows the result and what it was made from', async () => {
    await placeAll();
    await session.generate();
    const { shown, asked, busy } = state();
    expect(busy).toBe(false);
    expect(shown?.pictures.b.name).toBe('b.png');
    expect(shown && isStale(asked, shown)).toBe(false);
    await session.place('b', picture, 'other.png');
    expect(state().shown?.pictures.b.name).toBe('b.png');
    expect(shown && isStale(state().asked, shown)).toBe(true);
  });

  it('keeps the earlier result when a later run fails or is cancelled', async () => {
    await placeAll();
    await session.generate();
    const before = state().shown;
    fake.run.mockResolvedValueOnce(bad);
    await session.generate();
    expect(state().shown).toBe(before);
    expect(state().notes.result).toMatchObject({ message: 'Damaged.' });
    fake.run.mockResolvedValueOnce({ ok: false, aborted: true });
    await session.generate();
    expect(state().shown).toBe(before);
    expect(state().notes.result).toBeUndefined();
  });

  it('renders again, and only once, when the strength moved during the run', async () => {
    await placeAll();
    fake.run.mockImplementationOnce(async (_signal, _triplet, options) => {
      session.setStrength(0.5);
      session.setStrength(0.25);
      return good(result(options));
    });
    await session.generate();
    expect(fake.rerender).toHaveBeenCalledOnce();
    expect(state().shown?.report.strength).toBe(0.25);
  });
});

describe('reading ahead', () => {
  it('begins when the pair is there, with a for b as long as that is missing', async () => {
    await session.place('a', picture, 'a.png');
    await session.warm();
    expect(fake.encode).not.toHaveBeenCalled();
    await session.place('a2', picture, 'a2.png');
    await vi.waitFor(() => expect(fake.encode).toHaveBeenCalledOnce());
    expect(state()).toMatchObject({ busy: false, activity: { kind: 'idle' } });
    const pair = fake.encode.mock.lastCall?.[1];
    expect(pair?.b).toBe(pair?.a);
    await session.place('b', new Blob(['b']), 'b.png');
    await vi.waitFor(() => expect(fake.encode).toHaveBeenCalledTimes(2));
    const triplet = fake.encode.mock.lastCall?.[1];
    expect(triplet).toMatchObject({ a: pair?.a, a2: pair?.a2 });
    expect(triplet?.b).not.toBe(triplet?.a);
  });

  it('ends when a picture is replaced or taken away', async () => {
    await placeAll();
    await vi.waitFor(() => expect(fake.encode).toHaveBeenCalledTimes(2));
    const [before, first] = fake.encode.mock.calls.map(([signal]) => signal);
    expect(before?.aborted).toBe(true);
    await session.place('b', picture, 'other.png');
    expect(first?.aborted).toBe(true);
    await vi.waitFor(() => expect(fake.encode).toHaveBeenCalledTimes(3));
    session.remove('b');
    expect(fake.encode.mock.lastCall?.[0].aborted).toBe(true);
  });

  it('leaves its failure to the run', async () => {
    fake.encode.mockResolvedValueOnce(bad);
    await placeAll();
    await vi.waitFor(() => expect(fake.encode).toHaveBeenCalled());
    expect(state().notes).toEqual({});
  });

  it('starts nothing after a crash', async () => {
    session.store.setState({ crashed: true });
    await placeAll();
    await session.warm();
    expect(fake.encode).not.toHaveBeenCalled();
  });
});

it('starts over without forgetting the pack', async () => {
  await placeAll();
  await session.generate();
  session.clear();
  expect(state().shown).toBeUndefined();
  expect(state().asked.pictures).toEqual({ a: undefined, a2: undefined, b: undefined });
  expect(state().pack).toBe(pack);
});

describe('a large picture', () => {
  beforeEach(async () => {
    const size = { width: 6000, height: 4000 };
    fake.inspect.mockImplementation(async () => good(size));
    fake.run.mockImplementationOnce(async (_signal, _triplet, options) => good(result(options, size)));
    await placeAll();
    await session.generate();
    session.setStrength(1.5);
    await vi.waitFor(() => expect(state().shown?.full).toBe(false));
  });

  it('is shown smaller while the strength moves, and whole before it is saved', async () => {
    expect(fake.rerender.mock.lastCall?.[1]).toEqual({ strength: 1.5, maxSide: 900 });
    expect(await session.settle()).toBe(true);
    expect(fake.rerender.mock.lastCall?.[1]).toEqual({ strength: 1.5 });
    expect(state()).toMatchObject({ settling: false, shown: { full: true } });
  });

  it('is not saved when that is cancelled, and stays in view', async () => {
    fake.rerender.mockImplementationOnce(async (signal) => {
      session.cancel();
      expect(signal.aborted).toBe(true);
      return { ok: false, aborted: true };
    });
    const { shown } = state();
    expect(await session.settle()).toBe(false);
    expect(state()).toMatchObject({ settling: false, shown });
  });
});
