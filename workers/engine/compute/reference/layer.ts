/** A layer: laid over an anchored row, and read between its pixels (docs/architecture.md, "Layer"). */
import type { RgbaImage } from '../../protocol';
import type { Row } from './features';
import { spanAt, type Span } from './source';

/**
 * Writes a layer's r, g, b (times alpha) and alpha in 0..1, sampled bilinearly along the row at v of `width`
 * pixels, into `out`, `[4, width]`.
 */
export function layerRow({ data, ...image }: RgbaImage, width: number, v: number, out: Float32Array): void {
  const down: Span = { low: 0, high: 0, rest: 0 };
  const across: Span = { low: 0, high: 0, rest: 0 };
  spanAt(v, image.height, down);
  const [top, bottom] = [down.low * image.width, down.high * image.width];
  for (let x = 0; x < width; x++) {
    spanAt((x + 0.5) / width, image.width, across);
    const left = 4 * across.low;
    const right = 4 * across.high;
    for (let c = 0; c < 4; c++) {
      const above = data[4 * top + left + c] * (1 - across.rest) + data[4 * top + right + c] * across.rest;
      const below =
        data[4 * bottom + left + c] * (1 - across.rest) + data[4 * bottom + right + c] * across.rest;
      out[c * width + x] = (above * (1 - down.rest) + below * down.rest) / 255;
    }
  }
}

/** Lays a layer over rows: in place. */
export function layOver(layer: RgbaImage): (width: number, v: number, colours: Row['colours']) => void {
  let row = new Float32Array(0);
  return (width, v, colours) => {
    if (row.length !== 4 * width) row = new Float32Array(4 * width);
    layerRow(layer, width, v, row);
    for (let x = 0; x < width; x++) {
      const bare = 1 - row[3 * width + x];
      for (let c = 0; c < 3; c++) colours[c][x] = colours[c][x] * bare + row[c * width + x];
    }
  };
}
