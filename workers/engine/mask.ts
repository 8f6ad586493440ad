/** What an edit cuts out, corners made round or all but a circle: transparent in a′, opaque in a ("Mask" in docs/architecture.md). */
import { layerRow } from './compute/reference/layer';
import { fitWithin, shrink } from './image/resize';
import { MOST } from './layer-shape';
import type { RgbaImage } from './protocol';

/** The mean difference of channels, of 255, below which what a′ shows of a is as it was. */
const SAME = 2;

export interface Unmasked {
  /** Over a, where what it shows is as it was: so then is what is cut out. Else a layer of white takes its place. */
  readonly a2: RgbaImage;
  /** Black, with the alpha that a′ lacks, 2048 pixels an axis at most; undefined where a′ lacks none that a has. */
  readonly mask: RgbaImage | undefined;
}

function isOpaque({ data }: RgbaImage): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/** Takes apart what was done to the picture and what was cut out of it; both of one size. */
export function unmasked(a: RgbaImage, a2: RgbaImage): Unmasked {
  if (isOpaque(a2) || !isOpaque(a)) return { a2, mask: undefined };
  const { width, height } = a2;
  const count = width * height;
  const lacking = new Uint8ClampedArray(4 * count);
  const data = a2.data.slice();
  let [shown, off] = [0, 0];
  for (let i = 3; i < 4 * count; i += 4) {
    const alpha = a2.data[i];
    lacking[i] = 255 - alpha;
    data[i] = 255;
    if (alpha === 255) shown++;
    for (let k = i - 3; k < i; k++) {
      if (alpha === 255) off += Math.abs(a2.data[k] - a.data[k]);
      else data[k] = (a2.data[k] * alpha + a.data[k] * (255 - alpha)) / 255;
    }
  }
  const mask = { width, height, data: lacking };
  const size = fitWithin(width, height, MOST);
  return {
    a2: off < SAME * 3 * shown ? { width, height, data } : a2,
    mask: shrink(mask, size.width, size.height),
  };
}

/** A picture of which a mask, stretched over it, takes away alpha; at a `strength` below 1 as much less. */
export function cutBy(image: RgbaImage, mask: RgbaImage, strength: number): RgbaImage {
  const { width, height } = image;
  const data = image.data.slice();
  const share = Math.min(1, strength);
  const row = new Float32Array(4 * width);
  for (let y = 0; y < height; y++) {
    layerRow(mask, width, (y + 0.5) / height, row);
    for (let x = 0; x < width; x++) data[4 * (y * width + x) + 3] *= 1 - share * row[3 * width + x];
  }
  return { width, height, data };
}
