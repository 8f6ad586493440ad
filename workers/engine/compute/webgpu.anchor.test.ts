import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ANCHOR_FEATURES, LOOKUP_KINDS, LOOKUP_KNOTS } from './compute';
import { fitAnchor } from './anchor-fit';
import { openPlainDevices } from './testing/device';
import { close, Parity, picture, uniform } from './testing/parity';

const devices = await openPlainDevices();

/** Random weights of features first..last, zero elsewhere. */
function weightsOf(first: number, last: number): Float32Array {
  const weights = new Float32Array(ANCHOR_FEATURES * 3);
  weights.set(uniform(first + 100, (last - first + 1) * 3, -0.3, 0.3), first * 3);
  return weights;
}

describe.each(devices)('$name', (opened) => {
  const parity = new Parity(opened);
  const { gpu, cpu } = parity;
  afterEach(() => opened.check());
  afterAll(() => {
    gpu.dispose();
    opened.close();
  });

  it.each([32, 23])('gram at %i', async (size) => {
    const a = parity.twin(picture(1, size), [3, size, size]);
    const a2 = parity.twin(picture(2, size), [3, size, size]);
    const actual = await gpu.anchorGram(a.gpu, a2.gpu);
    close(actual, await cpu.anchorGram(a.cpu, a2.cpu), 2e-6);
    // Feature 0 is 1: its square counts the pixels, every one once.
    let pixels = 0;
    for (let block = 0; block < 16; block++) pixels += actual[block * 85 * 85];
    expect(pixels).toBe(size * size);
  });

  it.each([
    ['none', 0, -1],
    ['colour', 0, 9],
    ['hinges', 10, 21],
    ['light', 22, 45],
    ['fields', 46, 60],
    ['copies', 61, 81],
    ['everything', 0, 81],
  ])('applies %s', async (_, first, last) => {
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      const weights = weightsOf(first, last);
      await parity.same(gpu.anchorApply(u.gpu, weights), cpu.anchorApply(u.cpu, weights), 2e-6);
    }
  });

  it.each(LOOKUP_KINDS)('looks up by %s', async (kind) => {
    const lookup = { kind, table: uniform(11, LOOKUP_KNOTS * 3, -0.2, 1.2) };
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      const none = weightsOf(0, -1);
      // A random table is steep: a rounding of q in its last place shows 255 times as much.
      await parity.same(gpu.anchorApply(u.gpu, none, lookup), cpu.anchorApply(u.cpu, none, lookup), 2e-4);
    }
  });

  it('chooses and solves as the reference does', async () => {
    const size = 64;
    const pixels = picture(7, size);
    const a = parity.twin(pixels, [3, size, size]);
    const edited = pixels.map((value) => Math.min(1, value * value + 0.1));
    const a2 = parity.twin(edited, [3, size, size]);
    const pair = { a: pixels, a2: edited, size };
    const fromGpu = fitAnchor(await gpu.anchorGram(a.gpu, a2.gpu), pair);
    const fromCpu = fitAnchor(await cpu.anchorGram(a.cpu, a2.cpu), pair);
    expect(fromGpu.name).toBe(fromCpu.name);
    await parity.same(
      gpu.anchorApply(a.gpu, fromGpu.weights, fromGpu.lookup),
      cpu.anchorApply(a.cpu, fromCpu.weights, fromCpu.lookup),
      1e-4,
    );
  });
});
