import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RgbaImage } from '../protocol';
import {
  ANCHOR_FEATURES,
  FILTER_KINDS,
  LOOKUP_KNOTS,
  OUTSIDES,
  type Anchor,
  type Cells,
  type FullRender,
  type HeadInputs,
  type Screen,
} from './compute';
import type { CpuData } from './cpu';
import { renderFull } from './gpu/render';
import { LUMAS } from './reference/lookup';
import { openDevices } from './testing/device';
import {
  correspondences,
  FOLDED,
  noiseImage,
  Parity,
  picture,
  randomChannels,
  randomWarp,
  uniform,
  type ImageTwin,
  type Twin,
} from './testing/parity';
import { Buffers } from './gpu/buffers';
import { Constants, Operation, Pipelines } from './gpu/operation';

const devices = await openDevices();
const GRID = 4;

/** The largest difference of two images' bytes. */
function bytesApart(one: RgbaImage, other: RgbaImage): number {
  expect([one.width, one.height]).toEqual([other.width, other.height]);
  return one.data.reduce((most, byte, i) => Math.max(most, Math.abs(byte - other.data[i])), 0);
}

function quiet(): Pick<FullRender<never>, 'onTile' | 'checkpoint'> {
  return { onTile: () => undefined, checkpoint: () => Promise.resolve() };
}

describe.each(devices)('$name', (opened) => {
  const parity = new Parity(opened);
  const { gpu, cpu, types } = parity;
  afterEach(() => opened.check());
  afterAll(() => {
    gpu.dispose();
    opened.close();
  });

  describe.each(types)('predictions in %s', (type) => {
    function head(size: number): Record<'grid' | 'maps' | 'b', Twin> & Pick<HeadInputs<never>, 'line'> {
      const maps = uniform(2, 5 * size * size);
      // Some gates are shut: those pixels are the anchor's.
      maps.fill(0, 3 * size * size, 3 * size * size + size);
      return {
        grid: parity.twin(uniform(1, 14 * GRID * GRID, -0.2, 0.2), [1, 14, GRID, GRID], type),
        maps: parity.twin(maps, [1, 5, size, size], type),
        b: parity.twin(picture(3, size), [3, size, size]),
      };
    }
    const gpuSide = ({ grid, maps, b, line }: ReturnType<typeof head>): HeadInputs<GPUBuffer> => ({
      line,
      grid: grid.gpu,
      maps: maps.gpu,
      b: b.gpu,
    });
    const cpuSide = ({ grid, maps, b, line }: ReturnType<typeof head>): HeadInputs<CpuData> => ({
      line,
      grid: grid.cpu,
      maps: maps.cpu,
      b: b.cpu,
    });

    const none = { weights: new Float32Array(ANCHOR_FEATURES * 3) };
    const table = Float32Array.from({ length: LOOKUP_KNOTS * 3 }, (_, i) => 0.5 + 0.5 * Math.sin(i / 60));

    /** Both backends render the same. */
    async function same(
      inputs: ReturnType<typeof head>,
      image: ImageTwin,
      job: Pick<FullRender<never>, 'anchor' | 'strength' | 'width' | 'height'>,
    ): Promise<void> {
      const expected = await cpu.renderFull({ ...job, ...quiet(), ...cpuSide(inputs), image: image.cpu });
      const actual = await gpu.renderFull({ ...job, ...quiet(), ...gpuSide(inputs), image: image.gpu });
      expect(bytesApart(actual, expected)).toBeLessThanOrEqual(1);
    }

    it.each([16, 21])('flow steps at %i', async (size) => {
      const inputs = head(size);
      const anchor = parity.twin(picture(4, size), [3, size, size]);
      const x = parity.twin(uniform(6, 3 * size * size, -3, 3), [1, 3, size, size], type);
      for (const [t, next] of [
        [0, 0.25],
        [0.25, 0.5],
        [0.5, 1],
      ] as const) {
        gpu.flowStep(gpuSide(inputs), anchor.gpu, x.gpu, t, next);
        cpu.flowStep(cpuSide(inputs), anchor.cpu, x.cpu, t, next);
      }
      await parity.same(x.gpu, x.cpu, type === 'float16' ? 3e-3 : 1e-5);
    });

    it('previews', async () => {
      const inputs = head(16);
      const anchor = parity.twin(picture(4, 16), [3, 16, 16]);
      for (const strength of [0, 0.5, 1, 2]) {
        const expected = await cpu.renderPreview(cpuSide(inputs), anchor.cpu, strength);
        expect(
          bytesApart(await gpu.renderPreview(gpuSide(inputs), anchor.gpu, strength), expected),
        ).toBeLessThanOrEqual(1);
      }
    });

    it.each([
      ['its own size', 67, 45, 67, 45],
      ['a smaller size', 67, 45, 30, 21],
      ['a larger size', 20, 31, 41, 37],
      ['a quarter turn', 67, 45, 45, 67],
    ])('renders at %s', async (_, imageWidth, imageHeight, width, height) => {
      const inputs = head(16);
      const image = parity.image(noiseImage(9, imageWidth, imageHeight));
      const anchor = { weights: uniform(8, ANCHOR_FEATURES * 3, -0.05, 0.05) };
      await same(inputs, image, { anchor, strength: 1.3, width, height });
    });

    it('brings what it draws onto a line, at every size', async () => {
      const inputs = { ...head(16), line: { origin: [0.5, 0.4, 0.3], way: [0.48, 0.6, 0.64] } };
      const image = parity.image(noiseImage(9, 41, 37));
      await same(inputs, image, { anchor: none, strength: 1, width: 41, height: 37 });
      const anchor = parity.twin(picture(4, 16), [3, 16, 16]);
      const [drawn, expected] = [
        await gpu.renderPreview(gpuSide(inputs), anchor.gpu, 1),
        await cpu.renderPreview(cpuSide(inputs), anchor.cpu, 1),
      ];
      expect(bytesApart(drawn, expected)).toBeLessThanOrEqual(1);
      const x = parity.twin(uniform(6, 3 * 256, -3, 3), [1, 3, 16, 16], type);
      gpu.flowStep(gpuSide(inputs), anchor.gpu, x.gpu, 0, 0.5);
      cpu.flowStep(cpuSide(inputs), anchor.cpu, x.cpu, 0, 0.5);
      await parity.same(x.gpu, x.cpu, type === 'float16' ? 3e-3 : 1e-5);
    });

    it('renders a lookup', async () => {
      const image = parity.image(noiseImage(9, 41, 37));
      for (const kind of ['luma', 'gradient', 'local channel 2', 'local luma 16', ...FILTER_KINDS] as const) {
        const anchor = { ...none, lookup: { kind, luma: LUMAS[1], table } };
        await same(head(16), image, { anchor, strength: 1, width: 41, height: 37 });
      }
    });

    it.each([...OUTSIDES, 'matched', 'channels apart', 'kernel'] as const)(
      'renders a warp: %s',
      async (kind) => {
        const warp =
          kind === 'matched'
            ? correspondences(16, FOLDED)
            : kind === 'channels apart'
              ? randomChannels(10)
              : kind === 'kernel'
                ? { kernel: uniform(10, 81, -0.1, 0.125) }
                : randomWarp(10, kind);
        const image = parity.image(noiseImage(9, 41, 37));
        const anchors: Anchor[] = [
          { weights: uniform(8, ANCHOR_FEATURES * 3, -0.05, 0.05), warp },
          { ...none, lookup: { kind: 'soft channel', table }, warp },
        ];
        for (const anchor of anchors) {
          await same(head(16), image, { anchor, strength: 1, width: 41, height: 37 });
          await same(head(16), image, { anchor, strength: 1, width: 29, height: 43 });
        }
      },
    );

    it('renders screens and cells', async () => {
      const image = parity.image(noiseImage(9, 61, 53));
      const warp: Cells = { pitch: [0.113, 0.171], origin: [0.031, 0.107] };
      const lattice = new Float32Array(12).map((_, k) => 3.7 * Math.sin(k + 1));
      const bare = {
        dark: [0.1, 0.2, 0.3],
        light: [0.9, 0.7, 0.8],
        thresholds: uniform(12, LOOKUP_KNOTS * 3),
      };
      const gains = uniform(13, 15, -1, 1);
      const screens: (Screen | undefined)[] = [
        { ...bare, kind: 'screen', gains: gains.map((_, k, all) => all[k - (k % 3)]), lattice },
        { ...bare, kind: 'screens', gains, lattice },
        {
          ...bare,
          kind: 'screens',
          gains: gains.map((gain, k) => (k < 3 ? gain : 0)),
          lattice: new Float32Array(12),
        },
        undefined,
      ];
      for (const screen of screens) {
        for (const moved of [undefined, warp]) {
          const anchor: Anchor = { ...none, screen, warp: moved };
          await same(head(16), image, { anchor, strength: 1, width: 61, height: 53 });
          await parity.same(
            gpu.anchorApply(image.gpu, gpu.prepare(image.gpu, 16), anchor),
            cpu.anchorApply(image.cpu, cpu.prepare(image.cpu, 16), anchor),
            1e-4,
          );
        }
      }
      const u = parity.twin(picture(3, 24), [3, 24, 24]);
      await parity.same(gpu.warp(u.gpu, warp), cpu.warp(u.cpu, warp), 1e-5);
    });

    it('renders the same in bands, tells each and can be cancelled between them', async () => {
      const inputs = head(16);
      const image = parity.image(noiseImage(9, 33, 29));
      const buffers = new Buffers(opened.device);
      const made = [new Pipelines(opened.device), new Constants(opened.device)] as const;
      const begin = (label: string): Operation => new Operation(opened.device, ...made, label);
      const told: number[] = [];
      const job: FullRender<GPUBuffer> = {
        ...gpuSide(inputs),
        image: image.gpu,
        anchor: { weights: uniform(8, ANCHOR_FEATURES * 3, -0.05, 0.05) },
        strength: 1,
        width: 33,
        height: 29,
        ...quiet(),
        onTile: (done) => told.push(done),
      };
      const whole = await renderFull(buffers, begin, job);
      expect(told.splice(0)).toEqual([29]);
      expect(await renderFull(buffers, begin, job, 33 * 10)).toEqual(whole);
      expect(told.splice(0)).toEqual([10, 20, 29]);
      const stop = { ...job, checkpoint: () => Promise.reject(new Error('cancelled')) };
      await expect(renderFull(buffers, begin, stop, 33 * 10)).rejects.toThrow('cancelled');
      expect(told).toEqual([10]);
      buffers.dispose();
    });
  });

  it('returns b itself, alpha included, where nothing is edited', async () => {
    const size = 16;
    const image = parity.image(noiseImage(11, 61, 43));
    const b = gpu.prepare(image.gpu, size);
    const zeros = (length: number): Float32Array | Uint16Array =>
      types[0] === 'float16' ? new Uint16Array(length) : new Float32Array(length);
    const grid = gpu.upload(zeros(14 * GRID * GRID), [14, GRID, GRID], 'grid');
    const maps = gpu.upload(zeros(5 * size * size), [5, size, size], 'maps');
    const weights = new Float32Array(ANCHOR_FEATURES * 3);
    const same = await gpu.renderFull({
      grid,
      maps,
      b,
      image: image.gpu,
      anchor: { weights },
      strength: 1,
      width: 61,
      height: 43,
      ...quiet(),
    });
    expect(same.data).toEqual(image.image.data);
  });
});
