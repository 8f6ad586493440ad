/** What a′ has around a, a border, a polaroid's edge, a caption, around another picture ("Frame" in docs/architecture.md). */
import { beforeBackdrop, withBackdrop, type Backdrop } from './backdrop';
import { findBackdrop } from './backdrop-fit';
import { GAPS, gapsAlong, grownIn, stretched, totalOf } from './courses';
import type { Frame } from './frame';
import type { Area } from './image/planes';
import type { Range } from './layer-pieces';
import type { RgbaImage } from './protocol';

/** A part of an axis, and where in it nothing changes. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly gaps: readonly Range[];
}

export interface Mat {
  readonly image: RgbaImage;
  /** Where the picture is in it. */
  readonly hole: Area;
  /** Of x and of y: before the hole, along its sides, and after it. */
  readonly parts: readonly [readonly Part[], readonly Part[]];
  /** r, g, b, alpha that are in the middle of all there are. */
  readonly colour: readonly number[];
  /** What lies behind all this, if that is the picture too. */
  readonly backdrop: Backdrop | undefined;
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

/**
 * Of an a′ that has a in its hole; undefined where that is all there is.
 * @param a as far as a′ shows it
 */
export function matOf(a: RgbaImage, a2: RgbaImage, hole: Area): Mat | undefined {
  const [beside, above] = [a2.width - hole.width, a2.height - hole.height];
  if (beside === 0 && above === 0) return undefined;
  const backdrop = findBackdrop(a, a2, hole);
  const image = backdrop === undefined ? a2 : beforeBackdrop(a, a2, hole, backdrop);
  const { data, width } = image;
  /** Lines of pixels across an axis, those in the hole without what is in it. */
  const partsOf = (
    start: 'x' | 'y',
    length: 'width' | 'height',
    stride: readonly [number, number],
  ): Part[] => {
    const [from, to] = [hole[start], hole[start] + hole[length]];
    const [other, across] = start === 'x' ? (['y', 'height'] as const) : (['x', 'width'] as const);
    return [
      [0, from],
      [from, to],
      [to, image[length]],
    ].map(([first, end], part) => {
      const beside = part === 1;
      const gaps = gapsAlong(
        data,
        end - first,
        image[across] - (beside ? hole[across] : 0),
        (along, at) =>
          4 *
          ((first + along) * stride[0] + (beside && at >= hole[other] ? at + hole[across] : at) * stride[1]),
      );
      return { from: first, to: end, gaps };
    });
  };
  const parts = [partsOf('x', 'width', [1, width]), partsOf('y', 'height', [width, 1])] as const;
  return { image, hole, parts, colour: colourOf(image, hole), backdrop };
}

/** For each pixel of an axis of the result the two pixels of the mat that it is between; none where `low` is below 0. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly rest: Float64Array;
}

/** Parts of an axis of the mat, each to where the next in a list of places of the result begins. */
function tapsOf(parts: readonly Part[], ends: readonly number[], scale: number): Taps {
  const out = ends[ends.length - 1];
  const taps = { low: new Int32Array(out), high: new Int32Array(out), rest: new Float64Array(out) };
  parts.forEach(({ from, to, gaps }, part) => {
    const first = part === 0 ? 0 : ends[part - 1];
    const lengths = { count: to - from, out: ends[part] - first };
    const grows = gaps.length > 0 && (lengths.count - totalOf(gaps)) * scale <= (1 - GAPS) * lengths.out;
    const course = grows ? grownIn(gaps, lengths, scale) : stretched(lengths);
    // By whole pixels, and what changes apart from what does not: type that is as large as it was stays as sharp.
    const starts = course.to.map((place) => first + Math.round(place));
    for (let k = 1; k < starts.length; k++) {
      const [low, high] = [from + course.from[k - 1], from + course.from[k] - 1];
      const each = (high + 1 - low) / (starts[k] - starts[k - 1]);
      for (let i = starts[k - 1]; i < starts[k]; i++) {
        const place = Math.min(high, Math.max(low, low + (i + 0.5 - starts[k - 1]) * each - 0.5));
        const floor = Math.floor(place);
        taps.low[i] = to > from ? floor : -1;
        taps.high[i] = Math.min(to - 1, floor + 1);
        taps.rest[i] = place - floor;
      }
    }
  });
  return taps;
}

/**
 * `picture` at its place in a result of a size, with the mat around it.
 * @param b what the picture was made of, for its backdrop
 * @param scale pixels of the result for one of the mat
 */
export function mounted(
  { picture, b }: { readonly picture: RgbaImage; readonly b: RgbaImage },
  { image, parts, colour, backdrop }: Mat,
  { size, at }: Pick<Frame, 'size' | 'at'>,
  scale: number,
): RgbaImage {
  const { width, height } = size;
  const data = new Uint8ClampedArray(4 * width * height);
  const columns = tapsOf(parts[0], [at.x, at.x + at.width, width], scale);
  const rows = tapsOf(parts[1], [at.y, at.y + at.height, height], scale);
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
      // Colours count by their alpha.
      let [red, green, blue, alpha] = [0, 0, 0, 0];
      for (let tap = 0; tap < 4; tap++) {
        const from = 4 * ((tap < 2 ? above : below) * image.width + (tap % 2 === 0 ? before : after));
        const share = (tap < 2 ? 1 - down : down) * (tap % 2 === 0 ? 1 - right : right);
        const weight = share * image.data[from + 3];
        red += weight * image.data[from];
        green += weight * image.data[from + 1];
        blue += weight * image.data[from + 2];
        alpha += weight;
      }
      if (alpha === 0) continue;
      data[to] = red / alpha;
      data[to + 1] = green / alpha;
      data[to + 2] = blue / alpha;
      data[to + 3] = alpha;
    }
  }
  const whole = { width, height, data };
  return backdrop === undefined ? whole : withBackdrop(whole, b, backdrop, scale);
}
