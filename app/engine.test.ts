import { expose } from 'comlink';
import { afterEach, expect, it, vi } from 'vitest';
import type { EngineApi, OnProgress } from '../workers/engine/protocol';
import { deferred } from './deferred';
import { Engine, type EngineWorker } from './engine';

type Fake = Partial<Pick<EngineApi, 'inspect' | 'load' | 'run' | 'cancel'>>;

const open: MessagePort[] = [];
afterEach(() => open.splice(0).forEach((port) => port.close()));

/** A worker made of a message channel, with the errors of a real one. */
function fakeWorker(api: Fake): EngineWorker & { crash(message: string): void } {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  expose(api, port2);
  port1.start();
  const errors = new EventTarget();
  return {
    postMessage: port1.postMessage.bind(port1),
    addEventListener: (type: string, listener: EventListenerOrEventListenerObject) =>
      (type === 'message' ? port1 : errors).addEventListener(type, listener),
    removeEventListener: (type: string, listener: EventListenerOrEventListenerObject) =>
      (type === 'message' ? port1 : errors).removeEventListener(type, listener),
    terminate: vi.fn(() => port1.close()),
    crash: (message) =>
      errors.dispatchEvent(Object.assign(new Event('error', { cancelable: true }), { message })),
  };
}

const never = (): Promise<never> => new Promise(() => undefined);
const setup = { packUrl: () => 'packs/tiny/', options: { backend: 'wasm' }, grace: 20 } as const;
const triplet = { a: new Blob(), a2: new Blob(), b: new Blob() };

it('answers the calls in flight when the worker crashes, and starts another one after', async () => {
  const workers = [
    fakeWorker({ inspect: never }),
    fakeWorker({ inspect: async () => ({ ok: true, value: { width: 2, height: 1 } }) }),
  ];
  let next = 0;
  const engine = new Engine({ ...setup, spawn: () => workers[next++] ?? expect.fail('a third worker') });
  const first = engine.inspect(new Blob());
  workers[0]?.crash('out of memory');
  expect(await first).toMatchObject({
    ok: false,
    aborted: false,
    error: { code: 'engine/failed', cause: 'out of memory' },
  });
  expect(workers[0]?.terminate).toHaveBeenCalledOnce();
  expect(await engine.inspect(new Blob())).toEqual({ ok: true, value: { width: 2, height: 1 } });
});

it('terminates a worker that does not end a cancelled job', async () => {
  const cancel = vi.fn();
  const worker = fakeWorker({ run: never, cancel });
  const engine = new Engine({ ...setup, spawn: () => worker });
  const job = new AbortController();
  const run = engine.run(job.signal, triplet, {}, () => undefined);
  job.abort();
  expect(await run).toEqual({ ok: false, aborted: true });
  expect(worker.terminate).toHaveBeenCalledOnce();
});

it('drops progress that comes after the job was cancelled', async () => {
  const running = deferred<OnProgress>();
  const worker = fakeWorker({
    cancel: () => undefined,
    run: (_job, _triplet, _options, onProgress) => {
      running.resolve(onProgress);
      return never();
    },
  });
  const engine = new Engine({ ...setup, spawn: () => worker });
  const job = new AbortController();
  const seen = vi.fn();
  const run = engine.run(job.signal, triplet, {}, seen);
  const report = await running.promise;
  job.abort();
  report({ kind: 'run', phase: 'decoding', done: 1, total: 1 });
  await run;
  expect(seen).not.toHaveBeenCalled();
});
