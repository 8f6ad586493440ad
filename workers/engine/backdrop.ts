/**
 * What lies behind a picture within a wider a′, where that is the picture again: so large that it fills a′, blurred,
 * and often in other colours ("Frame" in docs/architecture.md).
 */
import { blurPlanes } from './compute/reference/fields';
import { valueAt } from './compute/select';
import { overWhite, type Area } from './image/planes';
import type { Size } from './frame';
import { shrink } from './image/resize';
import type { RgbaImage } from './protocol';

export interface Backdrop {
  /** In its shape, until it covers what it lies behind, or stretched over it; and so many times as large as that. */
  readonly fill: 'cover' | 'stretch';
  readonly zoom: number;
  /** The Gaussian's σ in pixels of a′. */
  readonly sigma: number;
  /** Blurred within what is seen of it, so that its edges go on; else before it was cut to that. */
  readonly cutFirst: boolean;
  /** r, g, b of 1, r, g, b: `[4, 3]`. */
  readonly colours: Float64Array;
}

/** Pixels of the blur's σ that are enough to draw it with. */
const ENOUGH = 8;
/** What a pixel of a′ may be off by, and still show its backdrop. */
const NEAR = 0.04;
/** One that is off by so much is surely something else. */
const STRONG = 0.25;
/** Pixels that say what they all are off by. */
const MANY = 50_000;

/** What is seen of an axis in its middle, and as far beyond that as `margin` pixels of the result reach and it does. */
function seenOf(
  length: number,
  out: number,
  scale: number,
  margin: number,
): { readonly start: number; readonly length: number; readonly beyond: number } {
  const start = (length - out / scale) / 2;
  const beyond = Math.min(margin, Math.max(0, Math.floor(start * scale)));
  return { start: start - beyond / scale, length: (out + 2 * beyond) / scale, beyond };
}

/** For each of `count` pixels the two of `of` that its middle is between. */
function tapsAlong(count: number, of: number): { low: number; high: number; rest: number }[] {
  return Array.from({ length: count }, (_, i) => {
    const place = Math.min(of - 1, Math.max(0, ((i + 0.5) * of) / count - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(of - 1, low + 1), rest: place - low };
  });
}

/** `[4, 3]` times 1, r, g, b, of planes. */
function coloured(planes: Float32Array, colours: Float64Array): Float32Array {
  const plane = planes.length / 3;
  const out = new Float32Array(planes.length);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++) {
      let value = colours[c];
      for (let k = 0; k < 3; k++) value += planes[k * plane + i] * colours[3 * (k + 1) + c];
      out[c * plane + i] = value;
    }
  return out;
}

/** The picture as a backdrop of this size, in its own colours over white: planar `[3, height, width]` in 0..1. */
export function filled(
  picture: RgbaImage,
  { width, height }: Size,
  { fill, zoom, sigma, cutFirst }: Omit<Backdrop, 'colours'>,
): Float32Array<ArrayBuffer> {
  const ratios = [width / picture.width, height / picture.height].map((ratio) => ratio * zoom);
  const [across, down] = fill === 'cover' ? [Math.max(...ratios), Math.max(...ratios)] : ratios;
  const margin = cutFirst ? 0 : Math.ceil(3 * sigma);
  const x = seenOf(picture.width, width, across, margin);
  const y = seenOf(picture.height, height, down, margin);
  const [columns, rows] = [width + 2 * x.beyond, height + 2 * y.beyond];
  const planes = overWhite(
    shrink(picture, columns, rows, { x: x.start, y: y.start, width: x.length, height: y.length }),
  );
  if (sigma > 0) blurPlanes(planes, columns, rows, sigma, planes);
  if (x.beyond === 0 && y.beyond === 0) return planes;
  const out = new Float32Array(3 * width * height);
  for (let row = 0; row < 3 * height; row++) {
    const from = (Math.floor(row / height) * rows + (row % height) + y.beyond) * columns + x.beyond;
    out.set(planes.subarray(from, from + width), row * width);
  }
  return out;
}

/** A result with the picture's backdrop behind what of it can be seen through; `unit` pixels for one of a′. */
export function withBackdrop(
  image: RgbaImage,
  picture: RgbaImage,
  backdrop: Backdrop,
  unit: number,
): RgbaImage {
  const { width, height } = image;
  const sigma = backdrop.sigma * unit;
  const less = Math.max(1, sigma / ENOUGH);
  const [across, down] = [Math.ceil(width / less), Math.ceil(height / less)];
  const size = { width: across, height: down };
  const planes = coloured(
    filled(picture, size, { ...backdrop, sigma: (sigma * across) / width }),
    backdrop.colours,
  );
  const columns = tapsAlong(width, across);
  const rows = tapsAlong(height, down);
  const data = image.data.slice();
  const line = new Float32Array(3 * across);
  for (let y = 0; y < height; y++) {
    const { low, high, rest } = rows[y];
    for (let c = 0, i = 0; c < 3; c++) {
      const above = (c * down + low) * across;
      const below = (c * down + high) * across;
      for (let x = 0; x < across; x++, i++)
        line[i] = planes[above + x] * (1 - rest) + planes[below + x] * rest;
    }
    for (let x = 0, at = 4 * y * width; x < width; x++, at += 4) {
      const alpha = data[at + 3] / 255;
      if (alpha === 1) continue;
      const column = columns[x];
      for (let c = 0; c < 3; c++) {
        const start = c * across;
        const behind = line[start + column.low] * (1 - column.rest) + line[start + column.high] * column.rest;
        data[at + c] = data[at + c] * alpha + 255 * Math.min(1, Math.max(0, behind)) * (1 - alpha);
      }
      data[at + 3] = 255;
    }
  }
  return { width, height, data };
}

/** Of pixels that are marked those which are a seed or hang together with one. */
function grownFrom(seeds: Iterable<number>, marked: Uint8Array, { width }: RgbaImage): Uint8Array {
  const kept = new Uint8Array(marked.length);
  const left = [...seeds];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (kept[at] === 1 || marked[at] !== 1) continue;
    kept[at] = 1;
    if (at % width > 0) left.push(at - 1);
    if (at % width < width - 1) left.push(at + 1);
    left.push(at - width, at + width);
  }
  return kept;
}

/** What a′ has between a and its backdrop, a border, a shadow, type: all else of it can be seen through. */
export function beforeBackdrop(a: RgbaImage, a2: RgbaImage, hole: Area, backdrop: Backdrop): RgbaImage {
  const { width, height } = a2;
  const nothing = { width, height, data: new Uint8ClampedArray(4 * width * height) };
  const { data: behind } = withBackdrop(nothing, a, backdrop, 1);
  /** In the hole, or so many pixels from it. */
  const isNear = (i: number, by: number): boolean => {
    const x = (i % width) - hole.x;
    const y = Math.floor(i / width) - hole.y;
    return x >= -by && y >= -by && x < hole.width + by && y < hole.height + by;
  };
  const around = Int32Array.from({ length: width * height }, (_, i) => i).filter((i) => !isNear(i, 0));
  const offOf = (i: number, share = 1): number => {
    let most = 0;
    for (let k = 4 * i; k < 4 * i + 3; k++)
      most = Math.max(most, Math.abs(a2.data[k] - share * behind[k]) / 255);
    return most;
  };
  const offs = new Float32Array(width * height);
  for (const i of around) offs[i] = offOf(i);
  const some = around.filter((_, k) => k % Math.ceil(around.length / MANY) === 0);
  const near =
    NEAR +
    3 *
      valueAt(
        Float32Array.from(some, (i) => offs[i]),
        some.length >> 1,
      );
  // What is only a little off, and not at a, is a blur of another program than ours.
  const seeds = around.filter((i) => offs[i] > STRONG || isNear(i, 1));
  const kept = grownFrom(
    seeds,
    Uint8Array.from(offs, (off) => Number(off > near / 2)),
    a2,
  );
  const { data } = nothing;
  for (const i of around) {
    if (kept[i] === 0) continue;
    const there = Math.min(1, (2 * offs[i]) / near - 1);
    let [both, own] = [0, 1e-6];
    for (let k = 4 * i; k < 4 * i + 3; k++) {
      both += a2.data[k] * behind[k];
      own += behind[k] ** 2;
    }
    const share = both / own;
    // A shadow lets some of it through.
    const shadow = share < 1 && offOf(i, share) <= near;
    if (!shadow) data.set(a2.data.subarray(4 * i, 4 * i + 3), 4 * i);
    data[4 * i + 3] = 255 * there * (shadow ? 1 - share : 1);
  }
  return nothing;
}
