import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ANCHOR_FEATURES, LOOKUP_KINDS, LOOKUP_KNOTS, OUTSIDES, type Anchor } from './compute';
import { fitAnchor } from './anchor-fit';
import { openPlainDevices } from './testing/device';
import { close, Parity, picture, randomWarp, uniform } from './testing/parity';

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
      const anchor = { weights: weightsOf(first, last) };
      await parity.same(gpu.anchorApply(u.gpu, anchor), cpu.anchorApply(u.cpu, anchor), 2e-6);
    }
  });

  it.each(LOOKUP_KINDS)('looks up by %s', async (kind) => {
    const lookup = { kind, table: uniform(11, LOOKUP_KNOTS * 3, -0.2, 1.2) };
    const anchor = { weights: weightsOf(0, -1), lookup };
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      // A random table is steep: a rounding of q in its last place shows 255 times as much.
      await parity.same(gpu.anchorApply(u.gpu, anchor), cpu.anchorApply(u.cpu, anchor), 2e-4);
    }
  });

  it.each(OUTSIDES)('warps, and applies on top, with %s outside', async (outside) => {
    const warp = randomWarp(12, outside);
    const table = Float32Array.from({ length: LOOKUP_KNOTS * 3 }, (_, i) => 0.5 + 0.5 * Math.sin(i / 60));
    const anchors: Anchor[] = [
      { weights: weightsOf(0, 81), warp },
      { weights: weightsOf(0, -1), lookup: { kind: 'soft luma', table }, warp },
    ];
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      await parity.same(gpu.warp(u.gpu, warp), cpu.warp(u.cpu, warp), 1e-5);
      for (const anchor of anchors) {
        await parity.same(gpu.anchorApply(u.gpu, anchor), cpu.anchorApply(u.cpu, anchor), 5e-5);
      }
    }
  });

  it('chooses and solves as the reference does', async () => {
    const size = 64;
    const pixels = picture(7, size);
    const a = parity.twin(pixels, [3, size, size]);
    const still = cpu.upload(
      pixels.map((value) => Math.min(1, value * value + 0.1)),
      [3, size, size],
      'edited',
    );
    for (const edited of [still, cpu.warp(still, randomWarp(13, 'mirror'))]) {
      const a2 = parity.twin(await cpu.read(edited), [3, size, size]);
      const fromGpu = await fitAnchor(gpu, a.gpu, a2.gpu, async () => undefined);
      const fromCpu = await fitAnchor(cpu, a.cpu, a2.cpu, async () => undefined);
      expect(fromCpu.warp === undefined).toBe(edited === still);
      expect([fromGpu.name, fromGpu.warp?.outside]).toEqual([fromCpu.name, fromCpu.warp?.outside]);
      await parity.same(gpu.anchorApply(a.gpu, fromGpu), cpu.anchorApply(a.cpu, fromCpu), 1e-4);
    }
  });
});
