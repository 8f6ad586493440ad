import { describe, expect, it } from 'vitest';
import { gaussianNoise } from './noise';

describe('gaussianNoise', () => {
  // Computed by a Python transcription of the definition in noise.ts.
  it.each([
    [
      0,
      [
        -2.779909350252688, -0.1291940980472003, -0.7772704719937588, 1.7846197495338127, -0.3537157402328853,
        1.1008653718614334,
      ],
    ],
    [
      1,
      [
        0.6591775195250953, -0.07599632147084563, -1.1631599549266047, 0.22405346184752448,
        -0.4258669615669447, -0.3865548558740962,
      ],
    ],
    [
      4294967295,
      [
        -0.4912799570294363, -0.5471154859215972, -0.3544806649373718, -1.631765417842894,
        -0.8087557997851393, -1.5333800099413681,
      ],
    ],
  ])('seed %i has the documented values', (seed, expected) => {
    const noise = gaussianNoise(seed, 6);
    expected.forEach((value, index) => expect(noise[index]).toBeCloseTo(value, 6));
  });

  it('is standard normal', () => {
    const noise = gaussianNoise(42, 3 * 256 * 256);
    const n = noise.length;
    const mean = noise.reduce((sum, value) => sum + value, 0) / n;
    const moment = (power: number): number =>
      noise.reduce((sum, value) => sum + (value - mean) ** power, 0) / n;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    // Four standard errors of each moment at this length.
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.013);
    expect(Math.abs(moment(3))).toBeLessThan(0.03);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
    expect(noise.every(Number.isFinite)).toBe(true);
  });

  it('repeats for a seed and differs between seeds', () => {
    expect(gaussianNoise(5, 64)).toEqual(gaussianNoise(5, 64));
    const one = gaussianNoise(5, 4096);
    const two = gaussianNoise(6, 4096);
    const correlation = one.reduce((sum, value, index) => sum + value * (two[index] ?? 0), 0) / one.length;
    expect(Math.abs(correlation)).toBeLessThan(0.06);
  });

  it('gives odd lengths the same beginning', () => {
    expect(gaussianNoise(3, 5)).toEqual(gaussianNoise(3, 6).slice(0, 5));
  });
});
