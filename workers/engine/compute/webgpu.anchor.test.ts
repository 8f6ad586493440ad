import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { thin } from '../image/thin';
import { fitAnchor, nameOf, type AnchorFit } from './anchor-fit';
import {
  ANCHOR_FEATURES,
  FILTER_KINDS,
  HUES,
  LIGHTS,
  LOCAL_KINDS,
  LOOKUP_KNOTS,
  OUTSIDES,
  POINT_KINDS,
  type Anchor,
  type Compute,
  type FullImage,
} from './compute';
import { LUMAS } from './reference/lookup';
import { movedPlanes } from './reference/warp';
import { openPlainDevices } from './testing/device';
import {
  close,
  correspondences,
  FOLDED,
  imageOf,
  noiseImage,
  Parity,
  picture,
  randomChannels,
  randomWarp,
  rounded,
  uniform,
} from './testing/parity';

const devices = await openPlainDevices();

/** An image's width and height, and the model's size. */
type Shape = readonly [width: number, height: number, size: number];
const SHAPES: readonly Shape[] = [
  [32, 32, 32],
  [50, 41, 19],
  [20, 70, 32],
];

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

  /** One anchor of one image on both backends. */
  async function sameAnchor([width, height, size]: Shape, anchor: Anchor, tolerance: number): Promise<void> {
    const whole = imageOf(rounded(picture(5, Math.max(width, height))), Math.max(width, height));
    const image = parity.image(thin(whole, width, height));
    const [u, v] = [gpu.prepare(image.gpu, size), cpu.prepare(image.cpu, size)];
    const [actual, expected] = [gpu.anchorApply(image.gpu, u, anchor), cpu.anchorApply(image.cpu, v, anchor)];
    await parity.same(actual, expected, tolerance);
  }

  it.each([32, 23])('fields and gram at %i', async (size) => {
    const a = parity.twin(picture(1, size), [3, size, size]);
    const a2 = parity.twin(picture(2, size), [3, size, size]);
    const prepared = parity.twin(picture(3, size), [3, size, size]);
    const fields = { gpu: gpu.fields(prepared.gpu), cpu: cpu.fields(prepared.cpu) };
    await parity.same(fields.gpu, fields.cpu, 2e-6);
    const actual = await gpu.anchorGram(a.gpu, a2.gpu, fields.gpu);
    close(actual, await cpu.anchorGram(a.cpu, a2.cpu, fields.cpu), 2e-6);
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
    const anchor = { weights: weightsOf(first, last) };
    for (const shape of SHAPES) await sameAnchor(shape, anchor, 2e-6);
  });

  it.each([...POINT_KINDS, ...LOCAL_KINDS, ...FILTER_KINDS])('looks up by %s', async (kind) => {
    const lookup = { kind, luma: LUMAS[1], table: uniform(11, LOOKUP_KNOTS * 3, -0.2, 1.2) };
    const anchor = { weights: weightsOf(0, -1), lookup };
    // A random table is steep: a rounding of q in its last place shows 255 times as much.
    for (const shape of SHAPES) await sameAnchor(shape, anchor, 2e-4);
  });

  it('looks up by hue, on top of weights', async () => {
    const lookup = { kind: 'hue', table: uniform(11, HUES * LIGHTS * 3, -0.5, 0.5) } as const;
    for (const shape of SHAPES) await sameAnchor(shape, { weights: weightsOf(0, 21), lookup }, 2e-5);
  });

  it.each(OUTSIDES)('warps, and applies on top, with %s outside', async (outside) => {
    const warp = randomWarp(12, outside);
    const table = Float32Array.from({ length: LOOKUP_KNOTS * 3 }, (_, i) => 0.5 + 0.5 * Math.sin(i / 60));
    const anchors: Anchor[] = [
      { weights: weightsOf(0, 81), warp },
      { weights: weightsOf(0, -1), lookup: { kind: 'soft luma', table }, warp },
      { weights: weightsOf(0, -1), lookup: { kind: 'local channel 4', table }, warp },
    ];
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      await parity.same(gpu.warp(u.gpu, warp), cpu.warp(u.cpu, warp), 1e-5);
    }
    for (const anchor of anchors) for (const shape of SHAPES) await sameAnchor(shape, anchor, 5e-5);
  });

  it('reads matches, and applies on top', async () => {
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      const warp = correspondences(size, FOLDED);
      await parity.same(gpu.warp(u.gpu, warp), cpu.warp(u.cpu, warp), 1e-5);
    }
    for (const shape of SHAPES) {
      const anchor = { weights: weightsOf(0, 81), warp: correspondences(shape[2], FOLDED) };
      await sameAnchor(shape, anchor, 5e-5);
    }
  });

  it('reads channels apart, and applies on top', async () => {
    const warp = randomChannels(14);
    for (const size of [32, 19]) {
      const u = parity.twin(picture(5, size), [3, size, size]);
      await parity.same(gpu.warp(u.gpu, warp), cpu.warp(u.cpu, warp), 1e-5);
    }
    for (const shape of SHAPES) await sameAnchor(shape, { weights: weightsOf(0, 81), warp }, 5e-5);
  });

  it('lays a layer of another size over it', async () => {
    const layer = noiseImage(7, 23, 17);
    // Colours are times alpha.
    layer.data.forEach((value, i, data) => {
      if (i % 4 < 3) data[i] = (value * data[i - (i % 4) + 3]) / 255;
    });
    for (const shape of SHAPES) await sameAnchor(shape, { weights: weightsOf(0, 9), layer }, 1e-5);
  });

  it('chooses and solves as the reference does', async () => {
    const [full, size] = [150, 64];
    const planes = rounded(picture(7, full));
    const a = imageOf(planes, full);
    const still = rounded(planes.map((value) => value * value + 0.1));
    const warped = rounded(movedPlanes(still, full, randomWarp(13, 'mirror')));
    for (const edited of [still, warped]) {
      const whole = { a, a2: imageOf(edited, full) };
      const pixels = { ...whole, whole };
      const [first, second] = [pixels.a, pixels.a2].map((image) => parity.image(image));
      const fit = <Data>(
        compute: Compute<Data>,
        one: FullImage<Data>,
        two: FullImage<Data>,
      ): Promise<AnchorFit> =>
        fitAnchor(
          compute,
          { a: compute.prepare(one, size), a2: compute.prepare(two, size), pixels },
          async () => undefined,
        );
      const fromGpu = await fit(gpu, first.gpu, second.gpu);
      const fromCpu = await fit(cpu, first.cpu, second.cpu);
      expect(fromCpu.warp === undefined).toBe(edited === still);
      expect(nameOf(fromGpu)).toBe(nameOf(fromCpu));
      await parity.same(
        gpu.anchorApply(first.gpu, gpu.prepare(first.gpu, size), fromGpu),
        cpu.anchorApply(first.cpu, cpu.prepare(first.cpu, size), fromCpu),
        // The Gram matrices are f32, and so is what they leave of the weights.
        3e-4,
      );
    }
  });
});
