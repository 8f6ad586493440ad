/** The whole pipeline on the CPU arithmetic, with graphs that are functions instead of ONNX. */
import { describe, expect, it } from 'vitest';
import { withBackdrop } from './backdrop';
import type { Compute, Tensor } from './compute/compute';
import { createCpuCompute, type CpuData } from './compute/cpu';
import { PackEngine } from './engine';
import { Aborted } from './errors';
import { cutOut } from './image/planes';
import { shrink } from './image/resize';
import type { Graph } from './graph';
import type { Hooks } from './job';
import { openModel } from './model';
import type { Progress, RgbaImage, Triplet } from './protocol';
import type { Runtime } from './runtime';
import { scene } from './testing/scene';
import { tinyPack } from './testing/tiny-pack';

type Outputs = Readonly<
  Record<string, { readonly dims: readonly number[]; readonly data: Float32Array<ArrayBuffer> }>
>;

function fakeGraph(
  inputNames: readonly string[],
  compute: (feeds: ReadonlyMap<string, Tensor<CpuData>>) => Outputs,
  live: { count: number },
): Graph<CpuData> {
  return {
    inputNames,
    outputNames: [],
    async run(feeds) {
      const results = Object.entries(compute(feeds)).map(([name, { dims, data }]) => {
        live.count += 1;
        return [name, { tensor: { data, type: 'float32', dims }, dispose: () => (live.count -= 1) }] as const;
      });
      return new Map(results);
    },
    dispose: async () => undefined,
  };
}

/** Counts what is released, to see that nothing is leaked. */
function counted(live: { count: number }): Compute<CpuData> {
  const inner = createCpuCompute();
  const held = new Set<unknown>();
  const track = <T>(item: T): T => {
    held.add(item);
    live.count += 1;
    return item;
  };
  return {
    ...inner,
    upload: (...args) => track(inner.upload(...args)),
    allocate: (...args) => track(inner.allocate(...args)),
    allocateTogether: (...args) => inner.allocateTogether(...args).map(track),
    cast: (...args) => track(inner.cast(...args)),
    uploadImage: (...args) => track(inner.uploadImage(...args)),
    prepare: (...args) => track(inner.prepare(...args)),
    fields: (...args) => track(inner.fields(...args)),
    warp: (...args) => track(inner.warp(...args)),
    anchorApply: (...args) => track(inner.anchorApply(...args)),
    pairInput: (...args) => track(inner.pairInput(...args)),
    targetInput: (...args) => track(inner.targetInput(...args)),
    stack: (...args) => track(inner.stack(...args)),
    release(item) {
      if (!held.delete(item)) throw new Error('released twice, or never made here');
      live.count -= 1;
      inner.release(item);
    },
  };
}

/** 4 pixels of one colour around a picture, 8 below it. */
function bordered({ width, height, data }: RgbaImage): RgbaImage {
  const out = new Uint8ClampedArray(4 * (width + 8) * (height + 12)).fill(255);
  for (let y = 0; y < height; y += 1)
    out.set(data.subarray(4 * y * width, 4 * (y + 1) * width), 4 * ((y + 4) * (width + 8) + 4));
  return { width: width + 8, height: height + 12, data: out };
}

/** A picture within its own blurred and darker copy, of its size. */
function inset(u: RgbaImage): RgbaImage {
  const { width, height } = u;
  const small = shrink(u, width * 0.75, height * 0.75);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < small.height; y++) {
    const line = small.data.subarray(4 * y * small.width, 4 * (y + 1) * small.width);
    data.set(line, 4 * ((y + height / 8) * width + width / 8));
  }
  const colours = new Float64Array(12);
  for (let c = 0; c < 3; c++) colours[3 * (c + 1) + c] = 0.7;
  const backdrop = { fill: 'cover', zoom: 1, sigma: 4, cutFirst: true, colours } as const;
  return withBackdrop({ width, height, data }, u, backdrop, 1);
}

/** The left half of a picture is cut out. */
function halved(image: RgbaImage): RgbaImage {
  const data = image.data.map((value, i) =>
    i % 4 === 3 && Math.floor(i / 4) % image.width < image.width / 2 ? 0 : value,
  );
  return { ...image, data };
}

/** A picture named by its blob's text: 'dark' and 'light' are a pair, the rest is noise of that seed. */
async function decode(blob: Blob): Promise<RgbaImage> {
  const name = await blob.text();
  if (name.startsWith('halved ')) return halved(await decode(new Blob([name.slice(7)])));
  if (name.startsWith('bordered ')) return bordered(await decode(new Blob([name.slice(9)])));
  if (name.startsWith('inset ')) return inset(await decode(new Blob([name.slice(6)])));
  if (name.startsWith('scene ')) return scene(160, 120, Number(name.slice(6)));
  const [width, height] = name === 'b' ? [48, 40] : [32, 32];
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i += 1) {
    const value = (i * 37 + (name === 'b' ? 11 : 0)) % 150;
    const shown = name === 'light' ? value + 60 : value;
    data.set([shown, shown, shown, 255], i * 4);
  }
  return { width, height, data };
}

const triplet: Triplet = { a: new Blob(['dark']), a2: new Blob(['light']), b: new Blob(['b']) };

async function setUp() {
  const { manifest, files } = await tinyPack();
  const live = { count: 0 };
  const merged: number[] = [];
  const times: number[] = [];
  let runs = 0;
  const graphs = [
    fakeGraph(
      ['images', 'conv.weight'],
      () => {
        runs += 1;
        return { features: { dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } };
      },
      live,
    ),
    fakeGraph(
      ['x', 'target', 'pairs', 't', 'mix.weight', 'mix.bias'],
      (feeds) => {
        const weight = feeds.get('mix.weight')?.data;
        const time = feeds.get('t')?.data;
        merged.push(weight?.[0] ?? NaN);
        times.push(time?.[0] ?? NaN);
        return {
          grid: { dims: [1, 14, 2, 2], data: new Float32Array(14 * 4) },
          maps: { dims: [1, 5, 32, 32], data: new Float32Array(5 * 32 * 32) },
        };
      },
      live,
    ),
  ];
  const runtime: Runtime<CpuData> = {
    backend: 'wasm',
    adapter: 'test',
    hasFp16: false,
    compute: counted(live),
    openGraph: async () => graphs.shift() ?? Promise.reject(new Error('a third graph')),
    check: () => undefined,
    failed: false,
    settle: async () => undefined,
    dispose: async () => undefined,
  };
  const controller = new AbortController();
  const progress: Progress[] = [];
  const hooks: Hooks = { signal: controller.signal, onProgress: (one) => progress.push(one) };
  const model = await openModel(runtime, manifest, files, 'fp32', hooks);
  const decoded: string[] = [];
  return {
    engine: new PackEngine(runtime, model, async (blob) => {
      decoded.push(await blob.text());
      return decode(blob);
    }),
    decoded,
    controller,
    progress,
    hooks,
    live,
    merged,
    times,
    encoderRuns: () => runs,
  };
}

function meanOf(image: RgbaImage): number {
  let sum = 0;
  for (let i = 0; i < image.data.length; i += 4) sum += image.data[i] ?? 0;
  return sum / (image.data.length / 4);
}

describe('PackEngine', () => {
  it('returns the anchor at b’s own size when the head is untrained', async () => {
    const { engine, hooks, progress, times } = await setUp();
    const before = await decode(triplet.b);
    const { image, report, coefficients } = await engine.run(triplet, {}, hooks);
    expect([image.width, image.height]).toEqual([48, 40]);
    expect(report.anchor).toBe('colour');
    expect(meanOf(image) - meanOf(before)).toBeCloseTo(60, 0);
    expect(times.map((t) => Math.round(t * 3))).toEqual([0, 1, 2]);
    expect(report.stepTimings).toHaveLength(3);
    expect(Object.keys(report.timings)).toEqual([
      'decoding',
      'preparing',
      'anchoring',
      'encoding',
      'merging',
      'denoising',
      'rendering',
    ]);
    expect(coefficients.values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(progress.filter((one) => one.kind === 'preview')).toHaveLength(3);
  });

  it('reports progress that never goes back within a phase', async () => {
    const { engine, hooks, progress } = await setUp();
    await engine.run(triplet, {}, hooks);
    const last = new Map<string, number>();
    for (const one of progress) {
      if (one.kind === 'preview') continue;
      const share = one.done / one.total;
      expect(share).toBeGreaterThanOrEqual(last.get(one.phase) ?? 0);
      expect(share).toBeLessThanOrEqual(1);
      last.set(one.phase, share);
    }
    expect([...last.values()].every((share) => share === 1)).toBe(true);
  });

  it('renders again at another strength and size without the denoiser', async () => {
    const { engine, hooks, times } = await setUp();
    await engine.run(triplet, {}, hooks);
    const calls = times.length;
    const none = await engine.rerender({ strength: 0 }, hooks);
    expect([...none.image.data]).toEqual([...(await decode(triplet.b)).data]);
    const small = await engine.rerender({ strength: 1, maxSide: 24 }, hooks);
    expect([small.image.width, small.image.height]).toEqual([24, 20]);
    expect(times).toHaveLength(calls);
  });

  it('puts what a′ has around a around b, at every size and strength', async () => {
    const { engine, hooks, live, progress } = await setUp();
    const held = live.count;
    const inside = await engine.run(triplet, {}, hooks);
    const a2 = new Blob(['bordered light']);
    const { image, report } = await engine.run({ ...triplet, a2 }, {}, hooks);
    // 4 of 32 pixels are 5 of 40.
    expect(report).toMatchObject({ size: { width: 58, height: 55 }, anchor: 'colour' });
    expect(report.place).toEqual({ left: 5 / 58, top: 5 / 55, width: 48 / 58, height: 40 / 55 });
    const part = cutOut(image, { x: 5, y: 5, width: 48, height: 40 });
    expect([...part.data]).toEqual([...inside.image.data]);
    expect(meanOf(cutOut(image, { x: 0, y: 45, width: 58, height: 10 }))).toBe(255);
    expect(progress.filter(({ kind }) => kind === 'preview').at(-1)).toMatchObject({
      place: { left: 0, top: 0, width: 1, height: 1 },
    });
    const { image: none } = await engine.rerender({ strength: 0 }, hooks);
    const b = await decode(triplet.b);
    expect([...cutOut(none, { x: 5, y: 5, width: 48, height: 40 }).data]).toEqual([...b.data]);
    const { image: small } = await engine.rerender({ strength: 1, maxSide: 29 }, hooks);
    expect([small.width, small.height]).toEqual([29, 28]);
    // And the other way: what is cut from a is cut from b.
    const cut = await engine.run({ ...triplet, a: a2, a2: new Blob(['dark']) }, {}, hooks);
    expect([cut.image.width, cut.image.height]).toEqual([38, 29]);
    await engine.dispose();
    expect(live.count).toBeLessThanOrEqual(held);
  });

  it('puts behind b, where a lies on its own copy, that of b', async () => {
    const { engine, hooks } = await setUp();
    const [a, a2, b] = ['scene 1', 'inset scene 1', 'scene 2'].map((name) => new Blob([name]));
    const { image, report } = await engine.run({ a, a2, b }, {}, hooks);
    expect(report.size).toEqual({ width: 160, height: 120 });
    expect(report.place.left).toBeCloseTo(1 / 8, 2);
    expect(report.place.width).toBeCloseTo(3 / 4, 2);
    const truth = await decode(new Blob(['inset scene 2']));
    const strip = { x: 0, y: 0, width: 160, height: 13 };
    const { data } = cutOut(truth, strip);
    const off = cutOut(image, strip).data.reduce((sum, value, i) => sum + Math.abs(value - data[i]), 0);
    expect(off / data.length).toBeLessThan(1.5);
    await engine.dispose();
  });

  it('cuts out of b what is cut out of a', async () => {
    const { engine, hooks } = await setUp();
    const a2 = new Blob(['halved dark']);
    const { image } = await engine.run({ ...triplet, a2 }, {}, hooks);
    const b = await decode(triplet.b);
    expect(image.data.filter((_, i) => i % 4 !== 3)).toEqual(b.data.filter((_, i) => i % 4 !== 3));
    const alphas = Array.from({ length: 48 }, (_, x) => image.data[4 * x + 3]);
    // As a piece of a layer would, what is cut out keeps its shape, 16 by 32: over b 20 by 40.
    expect(alphas.slice(0, 19)).toEqual(new Array(19).fill(0));
    expect(alphas.slice(21)).toEqual(new Array(27).fill(255));
    const { image: none } = await engine.rerender({ strength: 0 }, hooks);
    expect([...none.data]).toEqual([...b.data]);
    await engine.dispose();
  });

  it('encodes a triplet once, and merges what the person sets', async () => {
    const { engine, hooks, merged, encoderRuns } = await setUp();
    const { targets, elements } = await engine.encode(triplet, hooks);
    expect([targets, elements]).toEqual([1, 2]);
    const set = (...values: number[]) => ({
      coefficients: { targets, elements, values: Float32Array.from(values) },
      steps: 1,
    });
    // Base is 0 at [0, 0]; element 0 adds 1 there, element 1 adds 10.
    await engine.run(triplet, set(1, 0), hooks);
    await engine.run(triplet, set(1, 2), hooks); // one element: a partial merge
    await engine.run(triplet, set(0, 0), hooks);
    expect(merged).toEqual([1, 21, 0]);
    expect(encoderRuns()).toBe(1);
  });

  it('reads a pair once for all that it is applied to', async () => {
    const { engine, hooks, progress, decoded, live } = await setUp();
    const alone = (await setUp()).engine;
    await engine.run(triplet, { steps: 1 }, hooks);
    const held = live.count;
    const next = { ...triplet, b: new Blob(['another']) };
    decoded.length = progress.length = 0;
    const { image } = await engine.run(next, { steps: 1 }, hooks);
    expect(decoded).toEqual(['another']);
    expect(live.count).toBe(held);
    expect([...image.data]).toEqual([...(await alone.run(next, { steps: 1 }, hooks)).image.data]);
    // Another pair takes its place, and the first one is read anew.
    await engine.run({ ...next, a2: triplet.a }, { steps: 1 }, hooks);
    decoded.length = 0;
    await engine.run(triplet, { steps: 1 }, hooks);
    expect(decoded).toEqual(['dark', 'light', 'b']);
    expect(live.count).toBe(held);
  });

  it('stops at the next step when cancelled, and works again', async () => {
    const { engine, hooks, controller, times, live } = await setUp();
    await engine.run(triplet, { steps: 1 }, hooks);
    const held = live.count;
    const stopping: Hooks = {
      signal: controller.signal,
      onProgress: (one) => {
        if (one.kind === 'preview') controller.abort();
      },
    };
    await expect(engine.run(triplet, { steps: 50 }, stopping)).rejects.toThrow(Aborted);
    expect(times).toHaveLength(2);
    expect(live.count).toBe(held);
    const again: Hooks = { signal: new AbortController().signal, onProgress: () => undefined };
    expect((await engine.rerender({ strength: 1 }, again)).image.width).toBe(48);
  });

  it('holds no more after many runs, and nothing after dispose', async () => {
    const { engine, hooks, live } = await setUp();
    await engine.run(triplet, { steps: 2 }, hooks);
    const held = live.count;
    await engine.run({ ...triplet, b: new Blob(['other']) }, { steps: 2 }, hooks);
    await engine.run(triplet, { steps: 2, seed: 5 }, hooks);
    expect(live.count).toBe(held);
    await engine.dispose();
    expect(live.count).toBe(0);
  });

  it('leaks nothing when a picture cannot be decoded', async () => {
    const { engine, hooks, live } = await setUp();
    const held = live.count;
    const broken = {
      ...triplet,
      b: { arrayBuffer: async () => new ArrayBuffer(0), text: () => Promise.reject(new Error('no')) },
    };
    await expect(engine.run(broken as unknown as Triplet, {}, hooks)).rejects.toThrow('no');
    expect(live.count).toBe(held);
  });
});
