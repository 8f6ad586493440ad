import { expect, it } from 'vitest';
import { coefficientsDigest, fileName } from './recipe';

it('names the file after the picture, and the strength where it is not the usual one', () => {
  expect(fileName('beach.jpg', 1)).toBe('beach likewise.png');
  expect(fileName('beach.tar.jpeg', 1.5)).toBe('beach.tar likewise 150.png');
  expect(fileName('', 1)).toBe('picture likewise.png');
});

it('digests the values and nothing but the values', async () => {
  const one = { targets: 1, elements: 2, values: Float32Array.of(0.25, 0.75) };
  const digest = await coefficientsDigest(one);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(await coefficientsDigest({ ...one, targets: 2, elements: 1 })).toBe(digest);
  expect(await coefficientsDigest({ ...one, values: Float32Array.of(0.75, 0.25) })).not.toBe(digest);
});
