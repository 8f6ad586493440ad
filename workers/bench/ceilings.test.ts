import { expect, it } from 'vitest';
import { openDevices } from '../engine/compute/testing/device';
import { measureCeilings } from './ceilings';
import { roofOf } from './roofline';

it('measures bytes and multiply-adds of each type that the device has', async () => {
  for (const opened of await openDevices()) {
    const { device } = opened;
    const settle = (): Promise<void> => device.queue.onSubmittedWorkDone();
    const ceilings = await measureCeilings(device, { rounds: 1, least: 0, settle });
    const kinds = ceilings.map(({ of }) => of);
    const halves = device.features.has('shader-f16') ? ['float16'] : [];
    expect(kinds).toEqual(['bytes', 'bytes', 'float32', ...halves]);
    for (const { amount, ms, name } of ceilings) expect(amount / ms.median, name).toBeGreaterThan(0);
    await opened.check();
    opened.close();
  }
});

it('bounds work by the slower of its two parts', () => {
  const roof = roofOf([
    { of: 'bytes', amount: 50, ms: 1 },
    { of: 'bytes', amount: 200, ms: 2 },
    { of: 'float32', amount: 1000, ms: 1 },
    { of: 'float16', amount: 2000, ms: 1 },
  ]);
  expect(roof({ bytes: 200, operations: 1000 })).toEqual({ ms: 2, by: 'bytes' });
  expect(roof({ bytes: 200, operations: 3000 })).toEqual({ ms: 3, by: 'arithmetic' });
});
