/** What a′ has around a, a border, a polaroid's edge, a caption, around another picture ("Frame" in docs/architecture.md). */
import { GAPS, gapsAlong, grownIn, placesOf, stretched, totalOf } from './courses';
import type { Frame } from './frame';
import type { Area } from './image/planes';
import type { Range } from './layer-pieces';
import type { RgbaImage } from './protocol';

export interface Mat {
  readonly image: RgbaImage;
  /** Where the picture is in it. */
  readonly hole: Area;
  /** Where nothing changes along the hole's sides, x and y. */
  readonly gaps: readonly [readonly Range[], readonly Range[]];
  /** r, g, b, alpha that are in the middle of all there are. */
  readonly colour: readonly number[];
}

function colourOf({ data, width, height }: RgbaImage, hole: Area): number[] {
  const counts = Array.from({ length: 4 }, () => new Uint32Array(256));
  let count = 0;
  for (let y = 0; y < height; y++) {
    const beside = y >= hole.y && y < hole.y + hole.height;
    for (let x = 0; x < width; x++) {
      if (beside && x === hole.x) x += hole.width;
      if (x >= width) break;
      count++;
      for (let c = 0; c < 4; c++) counts[c][data[4 * (y * width + x) + c]]++;
    }
  }
  return counts.map((of) => {
    let left = count / 2;
    return Math.max(
      0,
      of.findIndex((some) => (left -= some) <= 0),
    );
  });
}

/** Undefined where the picture is all there is. */
export function matOf(image: RgbaImage, hole: Area): Mat | undefined {
  const { data, width, height } = image;
  const [beside, above] = [width - hole.width, height - hole.height];
  if (beside === 0 && above === 0) return undefined;
  const around = (at: number, start: number, length: number): number => (at < start ? at : at + length);
  const x = gapsAlong(
    data,
    hole.width,
    above,
    (along, at) => 4 * (around(at, hole.y, hole.height) * width + hole.x + along),
  );
  const y = gapsAlong(
    data,
    hole.height,
    beside,
    (along, at) => 4 * ((hole.y + along) * width + around(at, hole.x, hole.width)),
  );
  return { image, hole, gaps: [x, y], colour: colourOf(image, hole) };
}

/** For each pixel of an axis of the result the two pixels of the mat that it is between; none where `low` is below 0. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly rest: Float64Array;
}

interface Axis {
  /** Pixels of the mat and of the result, and where the hole is in each. */
  readonly count: number;
  readonly out: number;
  readonly hole: Range;
  readonly at: Range;
  readonly gaps: readonly Range[];
}

/** Ends keep to themselves; between them the course is that of the hole's sides, at so many pixels for one of the mat. */
function tapsOf({ count, out, hole, at, gaps }: Axis, scale: number): Taps {
  const taps = { low: new Int32Array(out), high: new Int32Array(out), rest: new Float64Array(out) };
  const lengths = { count: hole.to - hole.from, out: at.to - at.from };
  const grows = gaps.length > 0 && (lengths.count - totalOf(gaps)) * scale <= (1 - GAPS) * lengths.out;
  const { from: knots, to } = grows ? grownIn(gaps, lengths, scale) : stretched(lengths);
  // By whole pixels: type that is as large as it was stays as sharp.
  const { places } = placesOf({ from: knots, to: to.map(Math.round) }, lengths.out);
  const put = (i: number, place: number, from: number, to: number): void => {
    const floor = Math.floor(place);
    taps.low[i] = to > from ? Math.min(to - 1, Math.max(from, floor)) : -1;
    taps.high[i] = Math.min(to - 1, Math.max(from, floor + 1));
    taps.rest[i] = place - floor;
  };
  for (let i = 0; i < out; i++) {
    if (i < at.from) put(i, ((i + 0.5) * hole.from) / at.from - 0.5, 0, hole.from);
    else if (i < at.to) put(i, hole.from + places[i - at.from], hole.from, hole.to);
    else put(i, count - ((out - i - 0.5) * (count - hole.to)) / (out - at.to) - 0.5, hole.to, count);
  }
  return taps;
}

/** `picture` at its place in a result of a size, with the mat around it. */
export function mounted(
  picture: RgbaImage,
  { image, hole, gaps, colour }: Mat,
  { size, at }: Pick<Frame, 'size' | 'at'>,
  scale: number,
): RgbaImage {
  const { width, height } = size;
  const data = new Uint8ClampedArray(4 * width * height);
  const axis = (start: 'x' | 'y', length: 'width' | 'height', index: 0 | 1): Axis => ({
    count: image[length],
    out: size[length],
    hole: { from: hole[start], to: hole[start] + hole[length] },
    at: { from: at[start], to: at[start] + at[length] },
    gaps: gaps[index],
  });
  const columns = tapsOf(axis('x', 'width', 0), scale);
  const rows = tapsOf(axis('y', 'height', 1), scale);
  const valueAt = (row: number, column: number, c: number): number =>
    image.data[4 * (row * image.width + column) + c];
  for (let y = 0; y < height; y++) {
    const beside = y >= at.y && y < at.y + at.height;
    const [above, below, down] = [rows.low[y], rows.high[y], rows.rest[y]];
    for (let x = 0; x < width; x++) {
      const to = 4 * (y * width + x);
      if (beside && x === at.x) {
        const from = 4 * (y - at.y) * at.width;
        data.set(picture.data.subarray(from, from + 4 * at.width), to);
        x += at.width - 1;
        continue;
      }
      const [before, after, right] = [columns.low[x], columns.high[x], columns.rest[x]];
      if (above < 0 || before < 0) {
        data.set(colour, to);
        continue;
      }
      for (let c = 0; c < 4; c++) {
        const top = valueAt(above, before, c) * (1 - right) + valueAt(above, after, c) * right;
        const bottom = valueAt(below, before, c) * (1 - right) + valueAt(below, after, c) * right;
        data[to + c] = top * (1 - down) + bottom * down;
      }
    }
  }
  return { width, height, data };
}
