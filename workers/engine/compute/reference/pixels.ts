/** One pixel for each of the model's, which an anchor is fitted to (docs/architecture.md, "Anchor fit"). */
import { middles, thin } from '../../image/thin';
import type { RgbaImage } from '../../protocol';
import type { Warp } from '../compute';
import { isKernel } from './kernel';
import { rgbaSource } from './source';
import { movedSource } from './warp';

/** The pixels in the middle of S × S equal parts of an opaque image, or what a warp makes of or moves there: `[3, S, S]`. */
export function pixelsAt(image: RgbaImage, size: number, warp: Warp | undefined): Float32Array<ArrayBuffer> {
  const plane = size * size;
  const out = new Float32Array(3 * plane);
  const still = warp === undefined ? thin(image, size, size) : image;
  const own = rgbaSource(still.data, still.width, still.height);
  const source = warp === undefined ? own : movedSource(own, warp);
  const [across, down] = [middles(still.width, size), middles(still.height, size)];
  const colour = new Float64Array(3);
  for (let i = 0; i < plane; i++) {
    const x = i % size;
    const y = Math.floor(i / size);
    if (warp === undefined || isKernel(warp)) source.pixel(across[x], down[y], colour);
    else source.sample((x + 0.5) / size, (y + 0.5) / size, colour);
    for (let c = 0; c < 3; c++) out[c * plane + i] = colour[c];
  }
  return out;
}
