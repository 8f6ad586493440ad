import { expect, it } from 'vitest';
import { openDevices } from '../engine/compute/testing/device';
import { covered, deviceClock } from './clock';

it('counts time that intervals share once, and no gaps', () => {
  expect(covered([])).toBe(0n);
  const intervals = [
    [50n, 60n],
    [10n, 30n],
    [20n, 25n],
    [28n, 40n],
  ] as const;
  expect(covered(intervals)).toBe(40n);
});

it('tells the time of what was recorded while it ran', async () => {
  for (const opened of await openDevices()) {
    const { device } = opened;
    const clock = deviceClock(device);
    if (clock === undefined) continue;
    const size = 1 << 24;
    const [from, to] = [1, 2].map(() =>
      device.createBuffer({
        label: 'clocked',
        size,
        usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      }),
    );
    const copy = async (): Promise<void> => {
      const encoder = device.createCommandEncoder({ label: 'clocked' });
      encoder.copyBufferToBuffer(from, 0, to, 0, size);
      device.queue.submit([encoder.finish({ label: 'clocked' })]);
      await device.queue.onSubmittedWorkDone();
    };
    clock.start();
    const start = performance.now();
    await copy();
    const here = performance.now() - start;
    const there = await clock.stop();
    expect(there).toBeGreaterThan(0);
    expect(there).toBeLessThan(here);
    await copy();
    clock.start();
    expect(await clock.stop()).toBeUndefined();
    await opened.check();
    opened.close();
  }
});
