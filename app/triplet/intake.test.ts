import { expect, it } from 'vitest';
import { targets } from './intake';

it('puts one file where it was dropped', () => {
  expect(targets('a2', 1, ['a', 'a2', 'b'])).toEqual(['a2']);
});

it('spreads several files over the empty places first', () => {
  expect(targets('a', 3, ['a', 'a2', 'b'])).toEqual(['a', 'a2', 'b']);
  expect(targets('b', 2, ['a2'])).toEqual(['b', 'a2']);
  expect(targets('b', 2, [])).toEqual(['b', 'a']);
});

it('takes no more than there are places', () => {
  expect(targets('a', 9, [])).toEqual(['a', 'a2', 'b']);
});
