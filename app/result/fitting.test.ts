import { expect, test } from 'vitest';
import { fitting } from './fitting';

test('a picture larger than its place is as large as the place, whole pixels, in its own shape', () => {
  expect(fitting({ width: 4000, height: 3000 }, { width: 801, height: 600.5 })).toEqual({
    width: 801,
    height: 601,
  });
});

test('a picture smaller than its place keeps its pixels', () => {
  expect(fitting({ width: 256, height: 256 }, { width: 900, height: 900 })).toEqual({
    width: 256,
    height: 256,
  });
});

test('a side never goes to nothing', () => {
  expect(fitting({ width: 9000, height: 2 }, { width: 300, height: 0.06 })).toEqual({
    width: 300,
    height: 1,
  });
});
