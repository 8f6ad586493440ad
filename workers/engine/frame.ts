/** What an edit does to a picture's size and shape, and so what size b′ has (docs/architecture.md, "Frame"). */
import { MAX_PIXELS, MAX_SIDE } from './image/decode';
import type { Area } from './image/planes';
import { fitWithin } from './image/resize';
import type { Place } from './protocol';

/** Ratios that differ by less are the same. */
const SAME = 0.02;
/** An a′ of a shape more unlike a's, by the logarithm, or so many times as large is no stretched a. */
const UNLIKE = Math.log(2) + 1e-9;
const LARGER = 4;
/** So much less may be at one end than at the other, as where a shadow falls, of what is even but for that. */
const EVEN = 0.3;
/** Pixels of a′ by which what was found may be off, so that it still counts as nothing, or as even. */
const OFF = 1.5;

/** Where a is at another scale it is looked for in an a′ with as many pixels along its longer side. */
export const KNOWN_TO = 1024;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Of a in a′. */
export interface Found {
  /** Pixels of a′ for one of a. */
  readonly scale: number;
  /** Where a's upper left corner is, in whole pixels of a′; below 0 where it was cut away. */
  readonly left: number;
  readonly top: number;
}

/** Pixels of a that an axis has more at its ends; fewer where they are below 0. */
export interface Ends {
  readonly before: number;
  readonly after: number;
}

/** What was wanted of a′, by cutting or by adding. */
interface Shape {
  /** Width by height. */
  readonly aspect: number;
  /** Pixels of a that there are around it at the least, in the mean of both ends of an axis. */
  readonly margin: number;
}

/** Of a to a′. */
export type Change =
  /** The shape is a's. */
  | { readonly kind: 'none' }
  /** By shares of the axes, the larger at least 1. */
  | { readonly kind: 'stretched'; readonly x: number; readonly y: number }
  | { readonly kind: 'turned' }
  | {
      readonly kind: 'framed';
      readonly x: Ends;
      readonly y: Ends;
      /** Of a. */
      readonly size: Size;
      /** Pixels of a′ for one of a. */
      readonly scale: number;
      /** What another picture's ends are: as wide as these, as much of its axes, or what gives it a shape. */
      readonly by: 'width' | 'share' | Shape;
      /** a′ is as large as a, so b′ is no larger than b for what it has around it. */
      readonly sized: boolean;
    };

/** Where a picture goes: the part of it that is `kept` is edited and drawn at `at` in a result of `size`. */
export interface Frame {
  readonly size: Size;
  readonly kept: Area;
  readonly at: Area;
  /** By a quarter, so that the width of one is the height of the other. */
  readonly turned: boolean;
  /** Pixels of the result for one of a′, of what that has around the picture. */
  readonly unit: number;
}

export function isSized(a: Size, a2: Size): boolean {
  return a.width === a2.width && a.height === a2.height;
}

function logOf({ width, height }: Size): number {
  return Math.log(width / height);
}

function endsOf(start: number, length: number, of: number, scale: number): Ends {
  const ends = { before: start / scale, after: (length - start) / scale - of };
  const most = Math.max(Math.abs(ends.before), Math.abs(ends.after)) * scale;
  return most > (scale === 1 ? 0 : OFF) ? ends : { before: 0, after: 0 };
}

/**
 * What was done along one axis only, to a square or evenly at both ends, was done for the shape, and so was what was
 * added nearly evenly around a, but not as wide along both axes; unless a′ has a's own shape, as b′ then has b's.
 */
function meantBy(x: Ends, y: Ends, a: Size, a2: Size, scale: number): 'width' | 'share' | Shape {
  const alike = (one: number, other: number, share = 0): boolean =>
    Math.abs(one - other) <= Math.max((2 * OFF) / scale, share * Math.max(one, other));
  const aspect = a2.width / a2.height;
  const [one, ...others] = [x, y].filter(({ before, after }) => before !== 0 || after !== 0);
  if (others.length === 0) {
    const even = alike(one.before, one.after);
    return one.before * one.after >= 0 && (even || aspect === 1) ? { aspect, margin: 0 } : 'width';
  }
  const margin = Math.min(x.before + x.after, y.before + y.after) / 2;
  const even = [x, y].every(({ before, after }) => Math.min(before, after) > 0 && alike(before, after, EVEN));
  if (!even || alike(x.before + x.after, y.before + y.after)) return 'width';
  return Math.abs(logOf(a) - logOf(a2)) < SAME ? 'share' : { aspect, margin };
}

/** What is added at both ends is the same where it is but for what was rounded; what is cut away is of whole pixels. */
function centred({ before, after }: Ends, scale: number): Ends {
  const even = Math.min(before, after) > 0 && Math.abs(before - after) * scale <= 2 * OFF;
  return even ? { before: (before + after) / 2, after: (before + after) / 2 } : { before, after };
}

/** @param found where a lies in a′, if it does */
export function changeOf(a: Size, a2: Size, found: Found | undefined): Change {
  if (found !== undefined) {
    const { scale, left, top } = found;
    const x = endsOf(left, a2.width, a.width, scale);
    const y = endsOf(top, a2.height, a.height, scale);
    if ([x, y].every(({ before, after }) => before === 0 && after === 0)) return { kind: 'none' };
    const by = meantBy(x, y, a, a2, scale);
    const { width, height } = a;
    return {
      kind: 'framed',
      x: by === 'width' ? x : centred(x, scale),
      y: by === 'width' ? y : centred(y, scale),
      size: { width, height },
      scale,
      by,
      sized: isSized(a, a2),
    };
  }
  const [x, y] = [a2.width / a.width, a2.height / a.height];
  if (Math.abs(Math.log(x / y)) < SAME) return { kind: 'none' };
  if (Math.abs(logOf(a) + logOf(a2)) < SAME) return { kind: 'turned' };
  if (Math.abs(Math.log(x / y)) > UNLIKE || Math.max(x, y) > LARGER) return { kind: 'none' };
  const most = Math.min(1, Math.max(x, y));
  return { kind: 'stretched', x: x / most, y: y / most };
}

/** The same shape within what the engine can do. */
export function limited({ width, height }: Size): Size {
  const scale = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height)));
  return fitWithin(width, height, Math.min(MAX_SIDE, Math.floor(scale * Math.max(width, height))));
}

/** An area of a picture of size `from` in one of size `to`, at least a pixel. */
export function scaledArea({ x, y, width, height }: Area, from: Size, to: Size): Area {
  const along = (start: number, length: number, of: number, out: number): [number, number] => {
    const at = Math.min(out - 1, Math.round((start * out) / of));
    return [at, Math.max(1, Math.round(((start + length) * out) / of) - at)];
  };
  const [left, across] = along(x, width, from.width, to.width);
  const [top, down] = along(y, height, from.height, to.height);
  return { x: left, y: top, width: across, height: down };
}

/** What is cut away or added along an axis so that it changes by `slack`. */
function split(slack: number, { before, after }: Ends): Ends {
  const first = Math.round(slack * (before === after ? 0.5 : before / (before + after)));
  return { before: first, after: slack - first };
}

/** The largest of a shape within b, or the smallest around it and a margin of so many pixels. */
function endsOfShape(
  { x, y }: Record<'x' | 'y', Ends>,
  aspect: number,
  b: Size,
  margin: number,
): Record<'x' | 'y', Ends> {
  const adds = Math.max(x.before, x.after, y.before, y.after) > 0;
  const [width, height] = [b.width + 2 * margin, b.height + 2 * margin];
  const across = width / height > aspect !== adds;
  return {
    x: split((across ? Math.max(1, Math.round(height * aspect)) : width) - b.width, x),
    y: split((across ? height : Math.max(1, Math.round(width / aspect))) - b.height, y),
  };
}

/** What is cut away is as much of its axis as it was, and what is added `unit` pixels for one of a. */
function endsFor({ before, after }: Ends, a: number, b: number, unit: number): Ends {
  const scaled = (end: number): number => Math.round(end > 0 ? end * unit : (end * b) / a);
  const ends = { before: scaled(before), after: scaled(after) };
  return Math.min(0, ends.before) + Math.min(0, ends.after) > -b ? ends : { before: 0, after: 0 };
}

/** Where b goes under a change of a's shape. */
export function frameFor(change: Change, b: Size): Frame {
  const whole = (size: Size): Area => ({ x: 0, y: 0, width: size.width, height: size.height });
  const filled = (size: Size, turned = false): Frame => {
    const out = limited(size);
    return { size: out, kept: whole(b), at: whole(out), turned, unit: 1 };
  };
  switch (change.kind) {
    case 'none':
      return filled({ width: b.width, height: b.height });
    case 'turned':
      return filled({ width: b.height, height: b.width }, true);
    case 'stretched':
      return filled({
        width: Math.max(1, Math.round(b.width * change.x)),
        height: Math.max(1, Math.round(b.height * change.y)),
      });
    case 'framed': {
      const { size: a, by } = change;
      const unit = Math.min(b.width, b.height) / Math.min(a.width, a.height);
      const along = (ends: Ends, axis: 'width' | 'height'): Ends =>
        endsFor(ends, a[axis], b[axis], by === 'share' ? b[axis] / a[axis] : unit);
      const { x, y } =
        typeof by === 'object'
          ? endsOfShape(change, by.aspect, b, Math.round(by.margin * unit))
          : { x: along(change.x, 'width'), y: along(change.y, 'height') };
      const cut = ({ before, after }: Ends, length: number): readonly [number, number] => [
        Math.max(0, -before),
        length + Math.min(0, before) + Math.min(0, after),
      ];
      const [[left, width], [top, height]] = [cut(x, b.width), cut(y, b.height)];
      const full = { width: b.width + x.before + x.after, height: b.height + y.before + y.after };
      const less = change.sized ? change.scale : 1;
      const fitted = { width: Math.round(full.width * less), height: Math.round(full.height * less) };
      const size = limited(change.sized && by === 'share' ? b : fitted);
      const at = { x: Math.max(0, x.before), y: Math.max(0, y.before), width, height };
      return {
        size,
        kept: { x: left, y: top, width, height },
        at: scaledArea(at, full, size),
        turned: false,
        unit: (unit * size.width) / full.width / change.scale,
      };
    }
    default:
      return change satisfies never;
  }
}

/** Where in a′ is what it shows of a. */
export function holeOf({ scale, left, top }: Found, a: Size, a2: Size): Area {
  const along = (start: number, length: number, of: number): readonly [number, number] => {
    const from = Math.max(0, start);
    return [from, Math.min(of, start + Math.round(length * scale)) - from];
  };
  const [x, width] = along(left, a.width, a2.width);
  const [y, height] = along(top, a.height, a2.height);
  return { x, y, width, height };
}

/** A hole and what of a′ may be in it, for all that is known, or have some of both: a is there at another scale. */
export function edgesOf({ x, y, width, height }: Area, { scale }: Found, a2: Size): Area {
  if (scale === 1) return { x, y, width, height };
  const wide = Math.ceil(Math.max(a2.width, a2.height) / KNOWN_TO);
  const along = (start: number, length: number, of: number): readonly [number, number] => {
    const from = Math.max(0, start - wide);
    return [from, Math.min(of, start + length + wide) - from];
  };
  const [left, across] = along(x, width, a2.width);
  const [top, down] = along(y, height, a2.height);
  return { x: left, y: top, width: across, height: down };
}

/** An area of a picture in shares of it. */
export function partOf({ x, y, width, height }: Area, of: Size): Place {
  return {
    left: x / of.width,
    top: y / of.height,
    width: width / of.width,
    height: height / of.height,
  };
}

/** Of the size of a picture, as wide as that is high. */
export function turnedSize({ width, height }: Size): Size {
  return { width: height, height: width };
}

/** Where all of b lies in its b′: over it as it is kept, or, where it is turned, as large as fits upright. */
export function placeOf({ size, kept, at, turned }: Frame, b: Size): Place {
  if (turned) {
    const { width, height } = size;
    const scale = Math.min(width / b.width, height / b.height);
    const [across, down] = [(b.width * scale) / width, (b.height * scale) / height];
    return { left: (1 - across) / 2, top: (1 - down) / 2, width: across, height: down };
  }
  const [x, y] = [at.width / kept.width / size.width, at.height / kept.height / size.height];
  return {
    left: at.x / size.width - kept.x * x,
    top: at.y / size.height - kept.y * y,
    width: b.width * x,
    height: b.height * y,
  };
}
