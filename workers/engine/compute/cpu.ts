/**
 * `Compute` in TypeScript: the WASM backend's arithmetic, but for the largest products (ort-products.ts), and the oracle of
 * the kernels' tests.
 *
 * Every tensor is f32 whatever type is asked for: fp16 bits are widened on upload, and the graph
 * that runs beside this backend is the fp32 one. Images stay RGBA8.
 */
import type { RgbaImage } from '../protocol';
import { bandsOf, renderBands, rowsDone, stopBands, type Helpers } from './bands';
import type { Compute, FullImage, FullRender, HeadInputs, Tensor } from './compute';
import { widenHalf } from './half';
import { anchorApply, anchorGram } from './reference/anchor';
import { anchorFields, FIELDS } from './reference/fields';
import { GRID_CHANNELS, MAP_CHANNELS } from './reference/head';
import { addTerms, termsOf } from './reference/merge';
import { prepare } from './reference/prepare';
import { finishModel, flowStep, modelEdit, type RenderJob } from './reference/render';
import { route } from './reference/route';
import { movedPlanes } from './reference/warp';
import { count, routeShape, sideOf, targetShape } from './shapes';

export type CpuData = Float32Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>;
type CpuTensor = Tensor<CpuData>;

/** From so many pixels on it pays to ask other threads for help. */
const MANY_PIXELS = 1 << 19;

function tensor(data: Float32Array<ArrayBuffer>, dims: readonly number[]): CpuTensor {
  return { data, type: 'float32', dims };
}

export function floats({ data }: CpuTensor): Float32Array<ArrayBuffer> {
  if (data instanceof Float32Array) return data;
  throw new TypeError('an image was given where a tensor belongs');
}

function bytes({ data }: FullImage<CpuData>): Uint8ClampedArray<ArrayBuffer> {
  if (data instanceof Uint8ClampedArray) return data;
  throw new TypeError('a tensor was given where an image belongs');
}

function headOf({ grid, maps, b, line }: HeadInputs<CpuData>): RenderJob['head'] {
  return {
    grid: floats(grid),
    gridSize: sideOf(grid, GRID_CHANNELS),
    maps: floats(maps),
    size: sideOf(maps, MAP_CHANNELS),
    guide: floats(b),
    line,
  };
}

function planarTensor(parts: readonly Float32Array[], channels: number, size: number): CpuTensor {
  const joined = new Float32Array(channels * size * size);
  parts.forEach((part, i) => joined.set(part, i * 3 * size * size));
  return tensor(joined, [1, channels, size, size]);
}

function difference(x: Float32Array, y: Float32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(x, (value, i) => value - y[i]);
}

/** Renders a job alone, or with others: in shared memory then. */
async function rendered(
  job: RenderJob,
  helpers: Helpers | undefined,
  { onTile, checkpoint }: Pick<FullRender<CpuData>, 'onTile' | 'checkpoint'>,
): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const { width, height, image } = job;
  const helped = width * height >= MANY_PIXELS ? helpers : undefined;
  const bands = bandsOf(job, helped === undefined ? ArrayBuffer : SharedArrayBuffer);
  let work = job;
  if (helped !== undefined) {
    const data = new Uint8ClampedArray(new SharedArrayBuffer(image.data.length));
    data.set(image.data);
    work = { ...job, image: { ...image, data } };
  }
  const others = helped?.help(work, bands);
  try {
    for (const done of renderBands(work, bands)) {
      onTile(done, height);
      await checkpoint();
    }
  } finally {
    stopBands(bands, work);
    await others;
  }
  if (rowsDone(bands) < height) throw new Error('a thread that helped to render has died');
  return new Uint8ClampedArray(bands.out);
}

export function createCpuCompute(helpers?: Helpers): Compute<CpuData> {
  return {
    upload(data, dims) {
      return tensor(data instanceof Uint16Array ? widenHalf(data) : new Float32Array(data), dims);
    },
    allocate: (_type, dims) => tensor(new Float32Array(count(dims)), dims),
    allocateTogether: (_type, dims) => dims.map((each) => tensor(new Float32Array(count(each)), each)),
    write: (to, data) => floats(to).set(data instanceof Uint16Array ? widenHalf(data) : data),
    read: async (from) => new Float32Array(floats(from)),
    // Garbage collection frees arrays.
    release: () => undefined,
    cast: (from) => tensor(new Float32Array(floats(from)), from.dims),

    uploadImage: ({ width, height, data }) => ({ data: new Uint8ClampedArray(data), width, height }),
    prepare(image, size) {
      return tensor(prepare({ ...image, data: bytes(image) }, size), [3, size, size]);
    },

    fields(u) {
      const size = sideOf(u, 3);
      return tensor(anchorFields(floats(u), size), [FIELDS, size, size]);
    },
    anchorGram: async (a, a2, fields) => anchorGram(floats(a), floats(a2), floats(fields), sideOf(a, 3)),
    warp: (u, warp) => tensor(movedPlanes(floats(u), sideOf(u, 3), warp), u.dims),
    anchorApply: (image, u, anchor) =>
      tensor(anchorApply({ ...image, data: bytes(image) }, floats(u), anchor, sideOf(u, 3)), u.dims),

    pairInput(a, a2, anchorA) {
      const edited = floats(a2);
      const parts = [floats(a), difference(edited, floats(a)), difference(edited, floats(anchorA))];
      return planarTensor(parts, 9, sideOf(a, 3));
    },
    targetInput: (b, anchorB) => planarTensor([floats(b), floats(anchorB)], 6, sideOf(b, 3)),
    stack(images) {
      const size = sideOf(images[0], 3);
      const joined = planarTensor(images.map(floats), 3 * images.length, size);
      return { ...joined, dims: [images.length, 3, size, size] };
    },

    route: async (e, keys, query, activation) =>
      route(floats(e), floats(keys), floats(query), routeShape(e, keys, query), activation),
    merge(targets, coefficients, elements, scale) {
      targets.forEach((target, l) => {
        const merged = floats(target.merged);
        merged.set(floats(target.base));
        const terms = termsOf(coefficients, l, elements, scale);
        addTerms(merged, floats(target.a), floats(target.b), targetShape(target), terms);
      });
    },
    mergeElement(targets, element, delta, scale) {
      targets.forEach((target, l) => {
        if (delta[l] === 0) return;
        const terms = [{ element, factor: delta[l] * scale }];
        addTerms(floats(target.merged), floats(target.a), floats(target.b), targetShape(target), terms);
      });
    },

    flowStep(head, anchorB, x, t, tNext) {
      flowStep(floats(x), modelEdit(headOf(head), floats(anchorB)), t, tNext);
    },
    async renderPreview(head, anchorB, strength) {
      const model = headOf(head);
      const edit = modelEdit(model, floats(anchorB));
      const data = finishModel(model.guide, edit, model.size, strength);
      return { width: model.size, height: model.size, data };
    },
    async renderFull(render): Promise<RgbaImage> {
      const { image, anchor, strength, width, height } = render;
      const own = { ...image, data: bytes(image) };
      const job = { head: headOf(render), image: own, anchor, strength, width, height };
      return { width, height, data: await rendered(job, helpers, render) };
    },
    dispose: () => helpers?.dispose(),
  };
}
