import { describe, expect, it } from 'vitest';
import { createApi } from './api';
import type { Engine } from './engine';
import { Aborted, EngineFailure } from './errors';
import type { EngineApi, PackInfo, RunResult, Triplet } from './protocol';

const triplet: Triplet = { a: new Blob(['a']), a2: new Blob(['b']), b: new Blob(['c']) };
const quiet = (): void => undefined;
const auto = { backend: 'auto' } as const;

/** Engines that say which one they are, and lose their device on demand. */
class FakeEngine implements Engine {
  failed = false;
  disposed = false;
  readonly info: PackInfo;

  constructor(id: string) {
    this.info = { id } as PackInfo;
  }

  async encode(): Promise<never> {
    throw new Error('not used here');
  }

  async run(): Promise<RunResult> {
    if (!this.failed) return { report: { anchor: this.info.id } } as RunResult;
    throw new EngineFailure('engine/device-lost', 'Lost.', 'Again.');
  }

  rerender(): Promise<RunResult> {
    return this.run();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    if (this.failed) throw new Error('the device is gone');
  }
}

function setUp(): { api: EngineApi; engines: FakeEngine[]; refuse: Set<string> } {
  const engines: FakeEngine[] = [];
  const refuse = new Set<string>();
  const api = createApi({
    open: async (packUrl, _options, { signal }) => {
      await Promise.resolve();
      if (signal.aborted) throw new Aborted();
      if (refuse.has(packUrl)) throw new EngineFailure('pack/network', 'Offline.', 'Go online.');
      const engine = new FakeEngine(packUrl);
      engines.push(engine);
      return engine;
    },
    inspect: async () => {
      throw new EngineFailure('image/empty', 'Empty.', 'Choose another.');
    },
    environment: async () => ({
      userAgent: 'test',
      crossOriginIsolated: true,
      threads: 2,
      webgpu: undefined,
      fetched: [],
    }),
  });
  return { api, engines, refuse };
}

describe('the worker API', () => {
  it('asks for a pack before anything else', async () => {
    const { api } = setUp();
    expect(await api.run(1, triplet, {}, quiet)).toMatchObject({
      ok: false,
      error: { code: 'engine/not-loaded' },
    });
  });

  it('loads, runs, and replaces the pack', async () => {
    const { api, engines } = setUp();
    expect(await api.load(1, 'one/', auto, quiet)).toMatchObject({ ok: true, value: { id: 'one/' } });
    expect(await api.load(2, 'two/', auto, quiet)).toMatchObject({ ok: true });
    expect(engines.map((engine) => engine.disposed)).toEqual([true, false]);
    expect(await api.run(3, triplet, {}, quiet)).toMatchObject({
      ok: true,
      value: { report: { anchor: 'two/' } },
    });
  });

  it('recovers from a lost device: the run fails, the next one opens the pack again', async () => {
    const { api, engines } = setUp();
    await api.load(1, 'one/', auto, quiet);
    const first = engines[0];
    if (first === undefined) throw new Error('no engine was opened');
    const running = api.run(2, triplet, {}, quiet);
    expect(await running).toMatchObject({ ok: true });
    // Lost while idle or in the middle: `failed` is what the engine shows either way.
    first.failed = true;
    expect(await api.run(3, triplet, {}, quiet)).toMatchObject({ ok: true });
    expect(engines).toHaveLength(2);
    expect(first.disposed).toBe(true);
  });

  it('reports a loss in the middle of a run', async () => {
    const { api, engines } = setUp();
    await api.load(1, 'one/', auto, quiet);
    const engine = engines[0];
    if (engine === undefined) throw new Error('no engine was opened');
    engine.run = async () => {
      engine.failed = true;
      throw new EngineFailure('engine/device-lost', 'Lost.', 'Again.');
    };
    expect(await api.run(2, triplet, {}, quiet)).toMatchObject({
      ok: false,
      error: { code: 'engine/device-lost' },
    });
    expect((await api.diagnostics()).lastError).toMatchObject({ code: 'engine/device-lost' });
    expect(await api.load(3, 'one/', auto, quiet)).toMatchObject({ ok: true });
    expect(await api.run(4, triplet, {}, quiet)).toMatchObject({ ok: true });
  });

  it('goes back to the last good pack when another one fails to load', async () => {
    const { api, refuse } = setUp();
    refuse.add('bad/');
    await api.load(1, 'one/', auto, quiet);
    expect(await api.load(2, 'bad/', auto, quiet)).toMatchObject({
      ok: false,
      error: { code: 'pack/network' },
    });
    expect(await api.run(3, triplet, {}, quiet)).toMatchObject({
      ok: true,
      value: { report: { anchor: 'one/' } },
    });
  });

  it('cancels a load, which is no error', async () => {
    const { api } = setUp();
    const loading = api.load(1, 'one/', auto, quiet);
    api.cancel(1);
    expect(await loading).toEqual({ ok: false, aborted: true });
    expect((await api.diagnostics()).lastError).toBeUndefined();
  });

  it('returns a refused picture as data', async () => {
    const { api } = setUp();
    expect(await api.inspect(new Blob())).toMatchObject({ ok: false, error: { code: 'image/empty' } });
  });

  it('needs a load after dispose', async () => {
    const { api, engines } = setUp();
    await api.load(1, 'one/', auto, quiet);
    await api.dispose();
    expect(engines[0]?.disposed).toBe(true);
    expect(await api.run(2, triplet, {}, quiet)).toMatchObject({
      ok: false,
      error: { code: 'engine/not-loaded' },
    });
  });
});
