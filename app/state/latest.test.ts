import { expect, it } from 'vitest';
import { latest } from './latest';

it('runs the first and the last of what is asked, never two at a time', async () => {
  const seen: number[] = [];
  let running = 0;
  const ask = latest<number>(async (value) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    seen.push(value);
    running--;
  });
  await Promise.all([1, 2, 3, 4].map(ask));
  expect(seen).toEqual([1, 4]);
  await ask(5);
  expect(seen).toEqual([1, 4, 5]);
});

it('works again after a failure', async () => {
  const seen: string[] = [];
  const ask = latest<string>(async (value) => {
    if (value === 'bad') throw new Error(value);
    seen.push(value);
    return Promise.resolve();
  });
  await expect(ask('bad')).rejects.toThrow('bad');
  await ask('good');
  expect(seen).toEqual(['good']);
});
