/** Full-size render on the GPU, in bands of rows through one bounded output buffer. */
import type { RgbaImage } from '../../protocol';
import type { FullRender, Line } from '../compute';
import { GRID_CHANNELS, MAP_CHANNELS } from '../reference/head';
import { sideOf } from '../shapes';
import { isCells } from '../reference/cells';
import { anchorUniforms, encodeCells, encodeRead, kernelFor, layerWords, warpBindings } from './anchor';
import type { Buffers } from './buffers';
import { preamble } from './kernels';
import type { Operation } from './operation';
import { commonScalar } from './types';

const BAND_PIXELS = 1 << 22;

/** A line as kernels have it, two vec3f: none where the way is nowhere. */
export function lineNumbers(line: Line | undefined): readonly number[] {
  const { origin, way } = line ?? { origin: [0, 0, 0], way: [0, 0, 0] };
  return [...origin, 0, ...way, 0];
}

export async function renderFull(
  buffers: Buffers,
  begin: (label: string) => Operation,
  render: FullRender<GPUBuffer>,
  bandPixels = BAND_PIXELS,
): Promise<RgbaImage> {
  const { image, b, grid, maps, anchor, strength, width, height, onTile, checkpoint } = render;
  const size = sideOf(maps, MAP_CHANNELS);
  const gridSize = sideOf(grid, GRID_CHANNELS);
  const head = preamble({ prediction: commonScalar(grid, maps) });
  const rows = Math.min(height, Math.max(1, Math.floor(bandPixels / width)));
  const data = new Uint8ClampedArray(width * height * 4);
  const made: GPUBuffer[] = [];
  try {
    const band = buffers.create(rows * width * 4, 'render: band');
    const staging = buffers.staging(rows * width * 4);
    made.push(band, staging);
    const { words, size: layerSize } = layerWords(anchor);
    const layer = buffers.create(words.byteLength, 'render: layer');
    made.push(layer);
    buffers.write(layer, words);
    const pixels = { image: image.data, width: image.width, height: image.height };
    const once = begin('render: what is read');
    /** The bands outlive the operation that makes it. */
    const kept = (temporary: GPUBuffer): GPUBuffer => {
      const copy = buffers.create(temporary.size, 'render: what is read');
      made.push(copy);
      once.copy(temporary, copy, temporary.size);
      return copy;
    };
    const read = encodeRead(once, b.data, anchor, size);
    const fields = read === b.data ? read : kept(read);
    const { warp } = anchor;
    const means = warp !== undefined && isCells(warp) ? kept(encodeCells(once, pixels, warp)) : undefined;
    once.submit();
    for (let first = 0; first < height; first += rows) {
      const count = Math.min(rows, height - first);
      const operation = begin('render');
      const uniforms = anchorUniforms(operation, anchor);
      const parameters = operation.parameters(
        [
          width,
          height,
          image.width,
          image.height,
          first,
          count,
          size,
          gridSize,
          uniforms.groups,
          ...layerSize,
        ],
        [strength, ...lineNumbers(render.line)],
      );
      operation.run(
        kernelFor('render', anchor),
        head,
        [
          parameters,
          uniforms.weights,
          ...warpBindings(operation, warp, pixels, means),
          layer,
          image.data,
          b.data,
          fields,
          grid.data,
          maps.data,
          band,
        ],
        [Math.ceil(width / 32), Math.ceil(count / 4)],
      );
      operation.submit();
      await buffers.readInto(data.subarray(first * width * 4, (first + count) * width * 4), band, staging);
      onTile(first + count, height);
      await checkpoint();
    }
  } finally {
    for (const buffer of made) buffers.release(buffer);
  }
  return { width, height, data };
}
