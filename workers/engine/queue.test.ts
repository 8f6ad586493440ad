import { describe, expect, it } from 'vitest';
import { Aborted, EngineFailure } from './errors';
import { JobQueue } from './queue';

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('JobQueue', () => {
  it('runs jobs one at a time, in order', async () => {
    const queue = new JobQueue();
    const events: string[] = [];
    const gate = deferred();
    const first = queue.add(1, async () => {
      events.push('1 starts');
      await gate.promise;
      events.push('1 ends');
    });
    const second = queue.add(2, async () => {
      events.push('2 starts');
    });
    await Promise.resolve();
    gate.resolve();
    await Promise.all([first, second]);
    expect(events).toEqual(['1 starts', '1 ends', '2 starts']);
  });

  it('goes on after a failure and reports it as data', async () => {
    const queue = new JobQueue();
    const failed = queue.add(1, async () => {
      throw new EngineFailure('engine/failed', 'It broke.', 'Try again.');
    });
    const next = queue.add(2, async () => 7);
    expect(await failed).toEqual({
      ok: false,
      aborted: false,
      error: { code: 'engine/failed', message: 'It broke.', remedy: 'Try again.' },
    });
    expect(await next).toEqual({ ok: true, value: 7 });
  });

  it('cancels a waiting job at once and never starts it', async () => {
    const queue = new JobQueue();
    const gate = deferred();
    const first = queue.add(1, () => gate.promise);
    let started = false;
    const second = queue.add(2, async () => {
      started = true;
    });
    queue.cancel(2);
    expect(await second).toEqual({ ok: false, aborted: true });
    gate.resolve();
    await first;
    await queue.idle();
    expect(started).toBe(false);
  });

  it('cancels the running job at its next checkpoint', async () => {
    const queue = new JobQueue();
    const gate = deferred();
    const running = queue.add(1, async (signal) => {
      await gate.promise;
      if (signal.aborted) throw new Aborted();
      return 'finished';
    });
    await Promise.resolve();
    queue.cancel(1);
    gate.resolve();
    expect(await running).toEqual({ ok: false, aborted: true });
    expect(await queue.add(1, async () => 'again')).toEqual({ ok: true, value: 'again' });
  });

  it('ignores an unknown job', () => {
    expect(() => new JobQueue().cancel(9)).not.toThrow();
  });

  it('takes nobody else’s AbortError for a cancel', async () => {
    const outcome = await new JobQueue().add(1, async () => {
      throw new DOMException('the device was lost while a buffer was read', 'AbortError');
    });
    expect(outcome).toMatchObject({ ok: false, aborted: false });
  });

  it('recognises running out of memory', async () => {
    const outcome = await new JobQueue().add(1, async () => {
      throw new RangeError('Array buffer allocation failed');
    });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'engine/out-of-memory' } });
  });
});
