/** The layer of a pair at the size of a′, so that type and edges are as sharp as there. */
import { Arena } from './arena';
import type { AnchorFit } from './compute/anchor-fit';
import type { Compute, HeadInputs, Tensor } from './compute/compute';
import { refineLayer } from './compute/layer-paint';
import { GRID_CHANNELS, MAP_CHANNELS } from './compute/reference/head';
import { sideOf } from './compute/shapes';
import { overWhite } from './image/planes';
import { fitWithin, shrink } from './image/resize';
import type { Job } from './job';
import { MOST } from './layer-shape';
import type { RgbaImage } from './protocol';

/** `fit` with its layer, if it has one, found anew in the pair itself at the size of a′; `a` is the prepared a. */
export async function atOwnSize<Data>(
  compute: Compute<Data>,
  fit: AnchorFit,
  {
    a,
    imageA,
    imageA2,
  }: { readonly a: Tensor<Data>; readonly imageA: RgbaImage; readonly imageA2: RgbaImage },
  job: Job,
): Promise<AnchorFit> {
  const { layer, sketch, ...under } = fit;
  if (layer === undefined || sketch === undefined) return fit;
  const { width, height } = fitWithin(imageA2.width, imageA2.height, MOST);
  if (width <= layer.width && height <= layer.height) return fit;
  const [own, edited] = [imageA, imageA2].map((image) =>
    image.width === width && image.height === height ? image : shrink(image, width, height),
  );
  const u = under.name === 'none' ? own : await anchored(compute, under, a, own, job);
  await job.checkpoint();
  const change = { u: overWhite(u), a2: overWhite(edited), width, height };
  return { ...fit, layer: refineLayer(sketch, change) };
}

/** A head that leaves the anchor as it is, kept in `arena`. */
export function shutHead<Data>(
  compute: Compute<Data>,
  arena: Arena<Data>,
  size: number,
): Pick<HeadInputs<Data>, 'grid' | 'maps'> {
  const shut = (channels: number, side: number): Tensor<Data> =>
    arena.keep(
      compute.upload(new Float32Array(channels * side * side), [1, channels, side, side], 'shut head'),
    );
  return { grid: shut(GRID_CHANNELS, 1), maps: shut(MAP_CHANNELS, size) };
}

/** An anchor on its own, of an image at its own size. */
async function anchored<Data>(
  compute: Compute<Data>,
  anchor: AnchorFit,
  prepared: Tensor<Data>,
  image: RgbaImage,
  job: Job,
): Promise<RgbaImage> {
  const arena = new Arena(compute);
  try {
    return await compute.renderFull({
      ...shutHead(compute, arena, sideOf(prepared, 3)),
      b: prepared,
      image: arena.keep(compute.uploadImage(image, 'a')),
      anchor,
      strength: 1,
      width: image.width,
      height: image.height,
      onTile: () => undefined,
      checkpoint: () => job.checkpoint(),
    });
  } finally {
    arena.dispose();
  }
}
