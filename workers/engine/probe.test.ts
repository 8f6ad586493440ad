import { expect, it } from 'vitest';
import { createCpuCompute, type CpuData } from './compute/cpu';
import type { Graph } from './graph';
import { unwatched } from './job';
import { openModel } from './model';
import { gaussianNoise } from './noise';
import type { Runtime } from './runtime';
import { tinyPack } from './testing/tiny-pack';

const GRID = 14 * 4;
const MAPS = 5 * 32 * 32;

/** A denoiser that returns its noise's first values, times `factor`. */
function graph(inputNames: readonly string[], factor: number, recorded: boolean): Graph<CpuData> {
  return {
    inputNames,
    outputNames: inputNames.includes('x') ? ['grid', 'maps'] : ['features'],
    recorded,
    async run(feeds) {
      if (factor === Infinity) throw new Error('the driver gave up');
      const x = feeds.get('x')?.data ?? [];
      const output = (
        length: number,
      ): { tensor: { data: CpuData; type: 'float32'; dims: number[] }; dispose(): void } => ({
        tensor: {
          data: Float32Array.from({ length }, (_, i) => factor * x[i % x.length]),
          type: 'float32',
          dims: [length],
        },
        dispose: () => undefined,
      });
      return new Map([
        ['grid', output(GRID)],
        ['maps', output(MAPS)],
      ]);
    },
    dispose: async () => undefined,
  };
}

/** Opens the tiny pack with two probes; how often its denoiser was opened, and for which use last. */
async function opened(factor: number, probed = true): Promise<{ times: number; recorded: boolean }> {
  const { manifest, files } = await tinyPack();
  const probes = [1, 11].map((seed) => {
    const x = gaussianNoise(seed, 3 * 32 * 32);
    return { seed, grid: [x[0], x[28]], maps: [x[0], x[2560]] };
  });
  const uses: boolean[] = [];
  const runtime: Runtime<CpuData> = {
    backend: 'wasm',
    adapter: 'test',
    hasFp16: false,
    compute: createCpuCompute(),
    async openGraph(_, use) {
      if (use?.axes.images_count !== undefined) return graph(['images', 'conv.weight'], 1, false);
      const recorded = use?.changing !== undefined;
      uses.push(recorded);
      return graph(['x', 'target', 'pairs', 't', 'mix.weight', 'mix.bias'], factor, recorded);
    },
    check: () => undefined,
    failed: false,
    settle: async () => undefined,
    dispose: async () => undefined,
  };
  const tried = { ...manifest, denoiser: { ...manifest.denoiser, ...(probed ? { probes } : {}) } };
  const model = await openModel(runtime, tried, files, 'fp32', unwatched);
  expect(model.denoiser.recorded).toBe(uses.at(-1));
  return { times: uses.length, recorded: model.denoiser.recorded ?? false };
}

it('keeps a recorded denoiser that computes what its pack says', async () => {
  expect(await opened(1)).toEqual({ times: 1, recorded: true });
});

it.each([0, 1.2, NaN, Infinity])(
  'opens one that is off (times %d) again, to be run as it is',
  async (factor) => {
    expect(await opened(factor)).toEqual({ times: 2, recorded: false });
  },
);

it('does not record what cannot be tried', async () => {
  expect(await opened(1, false)).toEqual({ times: 1, recorded: false });
});
