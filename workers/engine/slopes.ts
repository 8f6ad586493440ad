/** How steep pictures are, and how alike two are in that where one lies over the other (docs/architecture.md, "Frame"). */
import type { RgbaImage } from './protocol';

/** Pixels of a picture that is so large that few of its slopes are asked for. */
const LARGE = 1 << 20;
/** Along each axis as many pixels have to be common. */
const COMMON = 12;

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** How steep pixels are: the same of a picture, its negative and, nearly, of it in other colours. */
export interface Slopes {
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
  if (width * height <= LARGE) {
    const values = new Float32Array(width * height);
    for (let i = 0; i < values.length; i++) values[i] = luma(i);
    return slopesOf({ width, height, values });
  }
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
export function levelsOf(image: RgbaImage, count: number): Slopes[] {
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
export function likeness(one: Slopes, other: Slopes, x: number, y: number, most: number): number {
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
export function startsOf(length: number, of: number, at?: number): number[] {
  const [from, to] = [Math.min(0, length - of), Math.max(0, length - of)];
  const near = (start: number): boolean => at === undefined || Math.abs(start - at) <= 2;
  return Array.from({ length: to - from + 1 }, (_, k) => from + k).filter(near);
}
