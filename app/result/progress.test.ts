import { expect, it } from 'vitest';
import { overall, RUN_SEGMENTS, segments } from './progress';

it('never goes back while a run goes through its phases', () => {
  let last = -1;
  for (const [phase] of RUN_SEGMENTS) {
    for (const done of [0, 1, 2, 3]) {
      const now = overall(segments({ kind: 'running', phase, done, total: 3 }));
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  }
  expect(last).toBe(100);
});

it('fills the whole bar with a phase that is alone', () => {
  const list = segments({ kind: 'running', phase: 'rendering', done: 1, total: 4 }, true);
  expect(overall(list)).toBe(25);
});

it('shows a phase without a total as not begun', () => {
  expect(segments({ kind: 'loading', phase: 'checking', done: 0, total: 0 })[0]?.filled).toBe(0);
});
