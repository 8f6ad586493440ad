import { beforeAll, describe, expect, it } from 'vitest';
import { checkOptions } from './options';
import type { Manifest } from './pack/manifest';
import type { RunOptions } from './protocol';
import { tinyPack } from './testing/tiny-pack';

let manifest: Manifest;
beforeAll(async () => {
  ({ manifest } = await tinyPack());
});

describe('checkOptions', () => {
  it('fills in the defaults', () => {
    expect(checkOptions({}, manifest)).toEqual({
      strength: 1,
      steps: 3,
      seed: 0,
      coefficients: undefined,
      maxSide: undefined,
    });
  });

  it.each<RunOptions>([
    { strength: -0.1 },
    { strength: 2.1 },
    { strength: NaN },
    { steps: 0 },
    { steps: 51 },
    { steps: 1.5 },
    { seed: -1 },
    { seed: 2 ** 32 },
    { maxSide: 0 },
    { coefficients: { targets: 2, elements: 2, values: new Float32Array(4) } },
    { coefficients: { targets: 1, elements: 2, values: new Float32Array(3) } },
    { coefficients: { targets: 1, elements: 2, values: Float32Array.of(0, NaN) } },
  ])('refuses %o', (options) => {
    expect(() => checkOptions(options, manifest)).toThrow(/bad-options/);
  });
});
