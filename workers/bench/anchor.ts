/**
 * The anchor: its Gram matrices, and b′ at full size where the head is shut, beside copies of as many pixels.
 * The same on the device and on the processor.
 */
import { Arena } from '../engine/arena';
import {
  ANCHOR_FEATURES,
  KERNEL_SIDE,
  LOOKUP_KNOTS,
  MATCH_NUMBERS,
  SCREEN_SIDE,
  SCREEN_TONES,
  WARP_COEFFICIENTS,
  type Anchor,
  type Compute,
  type FullImage,
  type Screen,
  type Tensor,
} from '../engine/compute/compute';
import { createCpuCompute, type CpuData } from '../engine/compute/cpu';
import { MAP_CHANNELS } from '../engine/compute/reference/head';
import type { RgbaImage } from '../engine/protocol';
import type { Runtime } from '../engine/runtime';
import { numbers, type Bed } from './merge';
import {
  COPIES,
  GRAM_WAYS,
  OPEN,
  PART_COPIES,
  rowsOf,
  type AnchorResult,
  type RenderPoint,
  type Row,
} from './results';
import { inTurns, type Turns, type Work } from './turns';

/** Of the studio pack. */
const SIZE = 256;
const GRID = 16;
const MEGAPIXELS = [1, 4, 12] as const;

/** Waves with grain, 4 : 3, opaque. */
export function waves(megapixels: number, seed: number): RgbaImage {
  const width = Math.round(Math.sqrt((megapixels * 1e6 * 4) / 3));
  const height = Math.round((width * 3) / 4);
  const grain = numbers(1 << 16, seed);
  const data = new Uint8ClampedArray(width * height * 4);
  const across = Float64Array.from({ length: width }, (_, x) => Math.sin(seed + (19 * x) / width));
  for (let y = 0; y < height; y += 1) {
    const down = Math.sin(seed + (11 * y) / height);
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 4;
      for (let c = 0; c < 3; c += 1)
        data[at + c] = 128 + 50 * across[x] + 40 * down * (c - 1) + 120 * grain[(at + c) % grain.length];
      data[at + 3] = 255;
    }
  }
  return { width, height, data };
}

/** A layer of the model's size, opaque on its upper half. */
function halfLaid(): RgbaImage {
  const data = new Uint8ClampedArray(4 * SIZE * SIZE).fill(255, 0, 2 * SIZE * SIZE);
  return { width: SIZE, height: SIZE, data };
}

/** Anchors by what they read of b. */
function anchors(): Record<string, Anchor> {
  const weights = (end: number): Float32Array => new Float32Array(ANCHOR_FEATURES * 3).fill(0.01, 0, 3 * end);
  const table = Float32Array.from({ length: 3 * LOOKUP_KNOTS }, (_, i) => i / (3 * LOOKUP_KNOTS));
  const coefficients = new Float32Array(2 * WARP_COEFFICIENTS).fill(0.01);
  // Each place reads a little beside itself.
  const matches = new Float32Array(MATCH_NUMBERS * SIZE * SIZE);
  for (let i = 0; i < SIZE * SIZE; i++) {
    const at = [i % SIZE, Math.floor(i / SIZE)].map((k) => (2 * k + 1) / SIZE - 0.99);
    [...at, 1, 0, 0, 1].forEach((value, k) => (matches[k * SIZE * SIZE + i] = value));
  }
  const screen: Screen = {
    kind: 'screens',
    dark: [0, 0, 0],
    light: [1, 1, 1],
    lattice: Float32Array.from({ length: 12 }, (_, i) => 20 + i),
    gains: new Float32Array(3 * SCREEN_TONES).fill(1 / SCREEN_TONES),
    thresholds: numbers(3 * SCREEN_SIDE * SCREEN_SIDE, 1),
  };
  return {
    colour: { weights: weights(10) },
    lookup: { weights: weights(0), lookup: { kind: 'channel', table } },
    'local lookup': { weights: weights(0), lookup: { kind: 'local channel 4', table } },
    filters: { weights: weights(0), lookup: { kind: 'filters of channel', table } },
    light: { weights: weights(46) },
    'every blur': { weights: weights(61) },
    'every feature': { weights: weights(ANCHOR_FEATURES) },
    warp: { weights: weights(0), warp: { coefficients, outside: 'mirror', colour: [0, 0, 0] } },
    correspondences: { weights: weights(0), warp: { matches } },
    'channels apart': { weights: weights(0), warp: { channels: new Float32Array(18).fill(0.01) } },
    kernel: {
      weights: weights(0),
      warp: { kernel: new Float32Array(KERNEL_SIDE ** 2).fill(1 / KERNEL_SIDE ** 2) },
    },
    screen: { weights: weights(0), screen },
    cells: { weights: weights(0), warp: { pitch: [1 / 30, 1 / 20], origin: [0, 0] } },
    'colour under a layer': { weights: weights(10), layer: halfLaid() },
  };
}

/** Full-size renders on one runtime, with what they must not be much slower than. */
function renders<Data>(
  { compute, backend }: Runtime<Data>,
  arena: Arena<Data>,
  image: RgbaImage,
): Record<string, Work> {
  const plane = SIZE * SIZE;
  const full = arena.keep(compute.uploadImage(image, 'bench'));
  const b = arena.keep(compute.prepare(full, SIZE));
  const grid = arena.keep(compute.upload(new Float32Array(14 * GRID * GRID), [14, GRID, GRID], 'bench'));
  const maps = (gates: number): Tensor<Data> =>
    arena.keep(
      compute.upload(
        new Float32Array(MAP_CHANNELS * plane).fill(gates, 3 * plane),
        [MAP_CHANNELS, SIZE, SIZE],
        'bench',
      ),
    );
  const render =
    (anchor: Anchor, head: Tensor<Data>): Work =>
    () =>
      compute.renderFull({
        grid,
        maps: head,
        b,
        image: full,
        anchor,
        strength: 1,
        width: image.width,
        height: image.height,
        onTile: () => undefined,
        checkpoint: async () => undefined,
      });
  const shut = maps(0);
  const works = Object.fromEntries(
    Object.entries(anchors()).map(([of, anchor]) => [`${backend}: ${of}`, render(anchor, shut)]),
  );
  return { ...works, [`${backend}: ${OPEN}`]: render(anchors().colour, maps(0.5)) };
}

function gram<Data>(compute: Compute<Data>, arena: Arena<Data>): Work {
  const [a, a2] = [1, 2].map((seed) =>
    arena.keep(compute.prepare(arena.keep(compute.uploadImage(waves(1, seed), 'bench')), SIZE)),
  );
  const fields = arena.keep(compute.fields(a));
  return () => compute.anchorGram(a, a2, fields);
}

/** As a page copies a picture: from one canvas to another, and read. */
function canvasCopy({ width, height, data }: RgbaImage): Work | undefined {
  if (typeof OffscreenCanvas === 'undefined') return undefined;
  const context = (): OffscreenCanvasRenderingContext2D => {
    const found = new OffscreenCanvas(width, height).getContext('2d');
    if (found === null) throw new Error('this browser draws on no canvas');
    return found;
  };
  const [from, to] = [context(), context()];
  from.putImageData(new ImageData(data, width, height), 0, 0);
  return () => {
    to.drawImage(from.canvas, 0, 0);
    to.getImageData(0, 0, width, height);
  };
}

/** Copies an image on the device and reads it back. */
function deviceCopy(device: GPUDevice, from: FullImage<GPUBuffer>, to: GPUBuffer): Work {
  return async () => {
    const encoder = device.createCommandEncoder({ label: 'copy' });
    encoder.copyBufferToBuffer(from.data, 0, to, 0, to.size);
    device.queue.submit([encoder.finish({ label: 'copy' })]);
    await to.mapAsync(GPUMapMode.READ);
    const read = to.getMappedRange().slice(0);
    to.unmap();
    return read;
  };
}

/** Kernels alone, nothing read back: what a fit is made of at the model's size, and what passes over the full one. */
export async function measureParts(
  { device, runtime }: Pick<Bed, 'device' | 'runtime'>,
  turns: Turns,
): Promise<Row[]> {
  const { compute } = runtime;
  const arena = new Arena(compute);
  const image = waves(MEGAPIXELS[2], 3);
  const full = arena.keep(compute.uploadImage(image, 'bench'));
  const b = arena.keep(compute.prepare(full, SIZE));
  const copy = (length: number): Work => {
    const [from, to] = [1, 2].map(() => arena.keep(compute.allocate('float32', [length], 'bench')));
    return () => {
      const encoder = device.createCommandEncoder({ label: 'copy' });
      encoder.copyBufferToBuffer(from.data, 0, to.data, 0, 4 * length);
      device.queue.submit([encoder.finish({ label: 'copy' })]);
    };
  };
  const making = (make: () => Tensor<GPUBuffer>): Work => {
    return () => compute.release(make());
  };
  const works: Record<string, Work> = {
    // Three channels of four bytes.
    [PART_COPIES.model]: copy(3 * SIZE * SIZE),
    'blurs and gradients': making(() => compute.fields(b)),
    'Gram matrices': gram(compute, arena),
    [PART_COPIES.full]: copy(image.width * image.height),
    'to the model’s size': making(() => compute.prepare(full, SIZE)),
  };
  for (const [of, anchor] of Object.entries(anchors()))
    works[`anchor applied: ${of}`] = making(() => compute.anchorApply(full, b, anchor));
  const rows = rowsOf(await inTurns(works, turns));
  runtime.check();
  arena.dispose();
  return rows;
}

export async function measureGram(
  { runtime, wasm }: Pick<Bed, 'runtime' | 'wasm'>,
  turns: Turns,
): Promise<Row[]> {
  const onDevice = new Arena(runtime.compute);
  const works: Record<string, Work> = { [GRAM_WAYS.webgpu]: gram(runtime.compute, onDevice) };
  if (wasm !== undefined) {
    const reference = createCpuCompute();
    works[GRAM_WAYS.wasm] = gram(wasm.compute, new Arena(wasm.compute));
    works[GRAM_WAYS.typescript] = gram(reference, new Arena(reference));
  }
  const times = await inTurns(works, turns);
  runtime.check();
  onDevice.dispose();
  return rowsOf(times);
}

export async function measureAnchor(
  { device, runtime, wasm }: Omit<Bed, 'type'>,
  turns: Turns,
): Promise<AnchorResult> {
  const parts = await measureParts({ device, runtime }, turns);
  const onDevice = new Arena(runtime.compute);
  const onProcessor = wasm && { runtime: wasm, arena: new Arena<CpuData>(wasm.compute) };
  const points: RenderPoint[] = [];
  for (const megapixels of MEGAPIXELS) {
    const image = waves(megapixels, 3);
    const canvas = canvasCopy(image);
    const { COPY_DST, MAP_READ } = GPUBufferUsage;
    const size = image.data.byteLength;
    // Made once, since to make one takes longer than to copy.
    const to = device.createBuffer({ label: 'copy', size, usage: COPY_DST | MAP_READ });
    const works: Record<string, Work> = {
      [COPIES.device]: deviceCopy(device, onDevice.keep(runtime.compute.uploadImage(image, 'bench')), to),
      [COPIES.processor]: () => void image.data.slice(),
      ...renders(runtime, onDevice, image),
      ...(onProcessor && renders(onProcessor.runtime, onProcessor.arena, image)),
    };
    if (canvas !== undefined) works[COPIES.canvas] = canvas;
    points.push({ megapixels, rows: rowsOf(await inTurns(works, turns)) });
    to.destroy();
    onDevice.dispose();
    onProcessor?.arena.dispose();
  }
  runtime.check();
  return { parts, gram: await measureGram({ runtime, wasm }, turns), points };
}
