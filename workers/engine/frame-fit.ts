/** Finds a in an a′ of another size: as a part of it, cut, or both (docs/architecture.md, "Frame"). */
import { shrink } from './image/resize';
import type { RgbaImage } from './protocol';

/** The longer side of the coarsest level of the search, at most, and of a stretched a that is compared. */
const COARSE = 320;
const FINE = 320;
/** Pixels of a large picture. */
const LARGE = 1 << 22;
/** Pixels that a place is judged by: of many places, and of the last few. */
const MANY_PLACES = 2000;
const FEW_PLACES = 30_000;
/** Along each axis as many pixels of the coarsest level have to be common. */
const COMMON = 12;
/** Of either picture's axes so much has to be common at last: soft pictures are alike in small parts. */
const SHARED = 0.25;
/** What slopes have to agree, and by how much more than with those of a stretched over a′. */
const LIKE = 0.5;
const LIKER = 0.05;
/** Places whose slopes agree as well but for so much. */
const TIE = 0.01;
/** Scales and shapes that differ by less are the same. */
const SAME = 0.02;

/** Of a in a′. */
export interface Found {
  /** Pixels of a′ for one of a. */
  readonly scale: number;
  /** Where a's upper left corner is, in whole pixels of a′; below 0 where it was cut away. */
  readonly left: number;
  readonly top: number;
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** How steep pixels are: the same of a picture, its negative and, nearly, of it in other colours. */
interface Slopes {
  readonly width: number;
  readonly height: number;
  /** Of one that is not at the edge, by its number. */
  at(pixel: number): number;
}

/** Over white, in 0..255. */
function lumaAt({ data }: RgbaImage, pixel: number): number {
  const at = 4 * pixel;
  const luma = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  return 255 + (luma - 255) * (data[at + 3] / 255);
}

function halved(width: number, height: number, valueAt: (pixel: number) => number): Plane {
  const [columns, rows] = [width >> 1, height >> 1];
  const values = new Float32Array(columns * rows);
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0, at = 2 * y * width; x < columns; x++, i++, at += 2)
      values[i] = (valueAt(at) + valueAt(at + 1) + valueAt(at + width) + valueAt(at + width + 1)) / 4;
  }
  return { width: columns, height: rows, values };
}

function lengthOf(across: number, down: number): number {
  return Math.sqrt(across * across + down * down);
}

/** Of a large picture few are asked, and those of all of it would take as much memory as it. */
function slopesOfImage(image: RgbaImage): Slopes {
  const { width, height } = image;
  const luma = (pixel: number): number => lumaAt(image, pixel);
  if (width * height <= LARGE)
    return slopesOf({
      width,
      height,
      values: Float32Array.from({ length: width * height }, (_, i) => luma(i)),
    });
  const at = (pixel: number): number =>
    lengthOf(luma(pixel + 1) - luma(pixel - 1), luma(pixel + width) - luma(pixel - width));
  return { width, height, at };
}

function slopesOf({ width, height, values }: Plane): Slopes {
  const out = new Float32Array(values.length);
  for (let at = width; at < out.length - width; at++)
    out[at] = lengthOf(values[at + 1] - values[at - 1], values[at + width] - values[at - width]);
  return { width, height, at: (pixel) => out[pixel] };
}

/** The slopes of a picture and of means of 2 × 2 of it, until all of `count` levels are there, the finest first. */
function levelsOf(image: RgbaImage, count: number): Slopes[] {
  const levels = [slopesOfImage(image)];
  let valueAt = (pixel: number): number => lumaAt(image, pixel);
  for (let [width, height] = [image.width, image.height]; levels.length < count;) {
    const plane = halved(width, height, valueAt);
    levels.push(slopesOf(plane));
    ({ width, height } = plane);
    valueAt = (pixel) => plane.values[pixel];
  }
  return levels;
}

/** The correlation of two pictures' slopes where they overlap, `other` at (x, y) of `one`; 0 where they hardly do. */
function likeness(one: Slopes, other: Slopes, x: number, y: number, most: number): number {
  const [left, top] = [Math.max(0, x) + 1, Math.max(0, y) + 1];
  const right = Math.min(one.width, x + other.width) - 1;
  const bottom = Math.min(one.height, y + other.height) - 1;
  if (right - left < COMMON || bottom - top < COMMON) return 0;
  const step = Math.max(1, Math.ceil(Math.sqrt(((right - left) * (bottom - top)) / most)));
  let [n, p, q, pp, qq, pq] = [0, 0, 0, 0, 0, 0];
  for (let row = top; row < bottom; row += step) {
    for (let column = left; column < right; column += step) {
      const mine = one.at(row * one.width + column);
      const its = other.at((row - y) * other.width + column - x);
      n++;
      p += mine;
      q += its;
      pp += mine * mine;
      qq += its * its;
      pq += mine * its;
    }
  }
  const spread = (pp - (p * p) / n) * (qq - (q * q) / n);
  return spread > 0 ? (pq - (p * q) / n) / Math.sqrt(spread) : 0;
}

/** Where on an axis one of length `of` can be: either is within the other. Near `at`, if given. */
function startsOf(length: number, of: number, at?: number): number[] {
  const [from, to] = [Math.min(0, length - of), Math.max(0, length - of)];
  const near = (start: number): boolean => at === undefined || Math.abs(start - at) <= 2;
  return Array.from({ length: to - from + 1 }, (_, k) => from + k).filter(near);
}

/** What people mean by nearly: at one end, or in the middle. */
function meant(length: number, of: number, at: number): number {
  const slack = length - of;
  return [0, slack, Math.trunc(slack / 2)].find((start) => Math.abs(start - at) <= 2) ?? at;
}

interface Fit extends Omit<Found, 'scale'> {
  readonly like: number;
}

/** Where `other` lies in `one`, which show the same at one scale. */
function searched(one: RgbaImage, other: RgbaImage): Fit {
  const longest = Math.max(one.width, one.height, other.width, other.height);
  const count = 1 + Math.max(0, Math.ceil(Math.log2(longest / COARSE)));
  const [ones, others] = [one, other].map((image) => levelsOf(image, count));
  let best: Fit = { like: 0, left: 0, top: 0 };
  let most = 0;
  for (let level = count - 1; level >= 0; level--) {
    const [p, q] = [ones[level], others[level]];
    const coarsest = level === count - 1;
    const xs = startsOf(p.width, q.width, coarsest ? undefined : 2 * best.left);
    const ys = startsOf(p.height, q.height, coarsest ? undefined : 2 * best.top);
    best = { ...best, like: 0 };
    for (const top of ys) {
      for (const left of xs) {
        const like = likeness(p, q, left, top, coarsest ? MANY_PLACES : FEW_PLACES);
        if (like > best.like) best = { like, left, top };
      }
    }
    most = Math.max(most, best.like);
  }
  const left = meant(one.width, other.width, best.left);
  const top = meant(one.height, other.height, best.top);
  const like = likeness(ones[0], others[0], left, top, FEW_PLACES);
  return like >= best.like - TIE ? { left, top, like: most } : { ...best, like: most };
}

/** How like a stretched over a′ is to it. */
function stretchedLikeness(a: RgbaImage, a2: RgbaImage): number {
  const scale = Math.min(1, FINE / Math.max(a2.width, a2.height));
  const [width, height] = [a2.width, a2.height].map((side) => Math.max(1, Math.round(side * scale)));
  const [one, other] = [a2, a].map((image) => levelsOf(shrink(image, width, height), 2));
  return Math.max(...one.map((slopes, level) => likeness(slopes, other[level], 0, 0, FEW_PLACES)));
}

/** The share of the longer of two lengths, one from `start` of the other, that both have. */
function commonOf(length: number, of: number, start: number): number {
  return (Math.min(length, start + of) - Math.max(0, start)) / Math.max(length, of);
}

/** Where a lies in an a′ of another size; undefined where it is stretched over all of it, or not to be seen. */
export function findFrame(a: RgbaImage, a2: RgbaImage): Found | undefined {
  const ratios = [a2.width / a.width, a2.height / a.height];
  const alike = (one: number, other: number): boolean => Math.abs(Math.log(one / other)) < SAME;
  // As it is; or exported at another size after one axis was cut or added to.
  const scales = alike(ratios[0], ratios[1]) ? [1] : [1, ...ratios.filter((ratio) => !alike(ratio, 1))];
  const needed = Math.max(LIKE, stretchedLikeness(a, a2) + LIKER);
  if (needed > 1) return undefined;
  for (const scale of scales) {
    if (alike(ratios[0], scale) && alike(ratios[1], scale)) continue;
    const by = ({ width, height }: RgbaImage, times: number): readonly [number, number] => [
      Math.max(1, Math.round(width * times)),
      Math.max(1, Math.round(height * times)),
    ];
    const own = scale < 1 ? shrink(a, ...by(a, scale)) : a;
    const edited = scale > 1 ? shrink(a2, ...by(a2, 1 / scale)) : a2;
    const { like, left, top } = searched(edited, own);
    const common = Math.min(
      commonOf(edited.width, own.width, left),
      commonOf(edited.height, own.height, top),
    );
    if (like < needed || common < SHARED) continue;
    const times = Math.max(1, scale);
    return { scale, left: Math.round(left * times), top: Math.round(top * times) };
  }
  return undefined;
}
