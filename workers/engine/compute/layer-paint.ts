/**
 * A layer whose colours are known, at any size (docs/architecture.md, "Layer"): which pixels each colour explains,
 * how much of it there is, and what hides the picture altogether. Pictures are planar f32 in 0..1.
 */
import type { RgbaImage } from '../protocol';
import { layerRow } from './reference/layer';
import { valueAt } from './select';

/** Differences that count, that do not, that say a colour, and how much more each is for noise. */
export const LAID = [0.012, 3] as const;
const NEAR = [0.02, 4] as const;
const STRONG = [0.05, 4] as const;
/** More is no noise. */
const LOUD = 0.01;
/** Of more pixels than this every n-th will do to say so. */
const MOST_SORTED = 1 << 16;
/** Squared distance of a pixel from a colour at which its neighbours say as much as it of how much there is. */
export const UNSURE = 3e-3;
/** Pixels next to this much of a layer are inside of it. */
const OPAQUE = 0.97;
/** Of a mixture: the least share, how far the picture and the layer are apart, and what is left. */
const LEAST_SHARE = 0.02;
const APART = 0.1;
const MIXED = 0.2;

/** How well what lies under a layer is known. */
export interface Trust {
  /** The share of the pixels that do not exceed the noise, and the least that this is. */
  readonly quiet: number;
  readonly least: number;
  /**
   * The most of the bare pixels that may have a colour of the layer: an edit that leaves few colours looks like paint
   * where it is not known.
   */
  readonly shared: number;
  /** The most of what is laid that no colour may explain. */
  readonly hidden: number;
  /** How many times further than that a pixel may be from every colour before the layer hides it. */
  readonly further: number;
  /** Whether a pixel beside paint may be a mixture of its colours, and so hide nothing. */
  readonly mixed: boolean;
}

/** Of what hides a picture: the share that is too small to tell what it is. */
export const SPECKS = 0.03;

/** One after the other: a JPEG may be noisy where something was laid and as it was elsewhere. */
export const AS_IT_WAS: readonly Trust[] = [
  { quiet: 0.1, least: 0, shared: 1, hidden: 1, further: 1, mixed: false },
  { quiet: 0.1, least: 0.002, shared: 1, hidden: SPECKS, further: 3, mixed: true },
  { quiet: 0.1, least: 0.004, shared: 1, hidden: SPECKS, further: 3, mixed: true },
];
export const EDITED: Trust = { quiet: 0.3, least: 0.004, shared: 0.5, hidden: 1, further: 1, mixed: false };

export type Colour = readonly [number, number, number];

/** A picture and what became of it. */
export interface Change {
  /** `[3, height, width]`, as a2 */
  readonly u: Float32Array;
  readonly a2: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The largest difference of a channel, of every pixel, and from where on it matters. */
export interface Differences {
  readonly of: Float32Array;
  readonly laid: number;
  readonly near: number;
  readonly further: number;
  readonly strong: number;
  /** Of a difference that is too small to count: how much of it is not noise. */
  heard(difference: number): number;
}

export function differencesOf(
  { u, a2, width, height }: Change,
  { quiet, least: quietest, further }: Trust,
): Differences {
  const plane = width * height;
  const of = new Float32Array(plane);
  for (let c = 0, k = 0; c < 3; c++)
    for (let i = 0; i < plane; i++, k++) of[i] = Math.max(of[i], Math.abs(a2[k] - u[k]));
  const step = Math.ceil(plane / MOST_SORTED);
  const some = of.filter((_, i) => i % step === 0);
  const noise = Math.min(LOUD, Math.max(quietest, valueAt(some, Math.floor(some.length * quiet))));
  const [laid, near, strong] = [LAID, NEAR, STRONG].map(([least, more]) => least + more * noise);
  const heard = (difference: number): number =>
    difference ** 2 / (difference ** 2 + (LAID[1] * noise) ** 2 + 1e-12);
  return { of, laid, near, further: further * near, strong, heard };
}

/** What a colour makes of a pixel: the share that explains it best, what that leaves, and how far it is, squared. */
export interface Paint {
  share: number;
  left: number;
  far: number;
}

/** Of pixel i. */
export function paint({ u, a2, width, height }: Change, i: number, colour: Colour, out: Paint): Paint {
  const plane = width * height;
  let along = 0;
  let far = 0;
  for (let c = 0, k = i; c < 3; c++, k += plane) {
    const way = colour[c] - u[k];
    along += (a2[k] - u[k]) * way;
    far += way * way;
  }
  const share = Math.min(1, Math.max(0, along / Math.max(1e-6, far)));
  let left = 0;
  for (let c = 0, k = i; c < 3; c++, k += plane)
    left = Math.max(left, Math.abs(a2[k] - u[k] - share * (colour[c] - u[k])));
  out.share = share;
  out.left = left;
  out.far = far;
  return out;
}

/** In the place of a colour's number: no colour explains the pixel, since nothing is there, or since it is hidden. */
export const NOTHING = -1;
export const HIDDEN = -2;

/** The colour that explains each pixel best, by its number. */
export function labelsOf(change: Change, differences: Differences, colours: readonly Colour[]): Int8Array {
  const { of, laid, further } = differences;
  const made: Paint = { share: 0, left: 0, far: 0 };
  const labels = new Int8Array(of.length).fill(NOTHING);
  for (let i = 0; i < labels.length; i++) {
    const difference = of[i];
    if (difference <= laid) continue;
    if (difference > further) labels[i] = HIDDEN;
    let least = difference - 1e-3;
    for (let k = 0; k < colours.length; k++) {
      const { left } = paint(change, i, colours[k], made);
      if (left >= further || left >= least) continue;
      labels[i] = k;
      least = left;
    }
  }
  return labels;
}

/** The pixels of so many that are so. */
export function pixelsWhere(count: number, test: (i: number) => boolean): Uint32Array {
  const out = new Uint32Array(count);
  let found = 0;
  for (let i = 0; i < count; i++) if (test(i)) out[found++] = i;
  return out.slice(0, found);
}

/** Pixel i and those within `reach` of it along both axes, the nearest ones beyond the edges. */
export function around(
  i: number,
  reach: number,
  { width, height }: Pick<Change, 'width' | 'height'>,
  each: (at: number) => void,
): void {
  const [x, y] = [i % width, Math.floor(i / width)];
  for (let row = y - reach; row <= y + reach; row++) {
    const start = Math.min(height - 1, Math.max(0, row)) * width;
    for (let column = x - reach; column <= x + reach; column++)
      each(start + Math.min(width - 1, Math.max(0, column)));
  }
}

/** Alpha `[height, width]` and colours `[3, height, width]`. */
export interface Cover {
  readonly alpha: Float32Array<ArrayBuffer>;
  readonly colour: Float32Array<ArrayBuffer>;
}

/**
 * Completes a cover where it hides the picture: it is a′ itself, and at its edges, where a′ is a mixture, as much
 * of the colours inside as explains it. Pixels with nothing inside near by are specks unless the layer is `said` to be
 * mostly there.
 */
export function coverHidden(
  change: Change,
  { of, laid }: Differences,
  labels: Int8Array,
  cover: Cover,
  said?: Float32Array,
): void {
  const { u, a2, width, height } = change;
  const plane = width * height;
  const { alpha, colour } = cover;
  const hidden = pixelsWhere(plane, (i) => labels[i] === HIDDEN);
  for (const i of hidden) {
    alpha[i] = 1;
    for (let k = i; k < 3 * plane; k += plane) colour[k] = a2[k];
  }
  const isInside = (i: number): boolean => {
    let all = labels[i] === HIDDEN || alpha[i] > OPAQUE;
    if (all) around(i, 1, change, (at) => (all &&= of[at] > laid));
    return all;
  };
  const edges = hidden.filter((i) => !isInside(i));
  const shares = new Float32Array(edges.length);
  const colours = new Float32Array(3 * edges.length);
  edges.forEach((i, e) => {
    let count = 0;
    const mean = [0, 0, 0];
    around(i, 2, change, (at) => {
      if (!isInside(at)) return;
      count++;
      for (let c = 0; c < 3; c++) mean[c] += colour[c * plane + at];
    });
    shares[e] = count > 0 || said === undefined || said[i] >= 0.5 ? 1 : 0;
    for (let c = 0; c < 3; c++) colours[3 * e + c] = a2[c * plane + i];
    if (count === 0) return;
    const inner: Colour = [mean[0] / count, mean[1] / count, mean[2] / count];
    const apart = Math.max(...inner.map((value, c) => Math.abs(value - u[c * plane + i])));
    if (apart <= APART) return;
    const { share, left } = paint(change, i, inner, { share: 0, left: 0, far: 0 });
    shares[e] = Math.max(LEAST_SHARE, share);
    if (left >= MIXED) return;
    for (let c = 0; c < 3; c++) {
      const [from, to] = [u[c * plane + i], a2[c * plane + i]];
      colours[3 * e + c] = Math.min(1, Math.max(0, from + (to - from) / shares[e]));
    }
  });
  // What is inside must not change while edges are looked at.
  edges.forEach((i, e) => {
    alpha[i] = shares[e];
    for (let c = 0; c < 3; c++) colour[c * plane + i] = colours[3 * e + c];
  });
}

/** RGBA8, r, g, b times alpha. */
export function bytesOf({ alpha, colour }: Cover): Uint8ClampedArray<ArrayBuffer> {
  const plane = alpha.length;
  const out = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = 255 * alpha[i] * colour[c * plane + i];
    out[4 * i + 3] = 255 * alpha[i];
  }
  return out;
}

/** A layer as it was found at the model's size: `[S, S]`. */
export interface Sketch {
  /** RGBA8, r, g, b times alpha. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly colours: readonly Colour[];
  /** As of `labelsOf`. */
  readonly labels: Int8Array;
  /** How well what lies under it was known. */
  readonly trust: Trust;
}

/** Where in a sketch one of the nine pixels around has such a label. */
function nearBy({ labels }: Sketch, test: (label: number) => boolean): Uint8Array {
  const size = Math.sqrt(labels.length);
  return Uint8Array.from(labels, (_, i) => {
    let found = 0;
    around(i, 1, { width: size, height: size }, (at) => {
      if (test(labels[at])) found = 1;
    });
    return found;
  });
}

/** The layer of a change that is larger than the one in which `sketch` was found. */
export function refineLayer(sketch: Sketch, change: Change): RgbaImage {
  const { colours, trust } = sketch;
  const { width, height } = change;
  const plane = width * height;
  const size = Math.sqrt(sketch.labels.length);
  const differences = differencesOf(change, trust);
  const labels = labelsOf(change, differences, colours);
  const cover: Cover = { alpha: new Float32Array(plane), colour: new Float32Array(3 * plane) };
  const said = new Float32Array(plane);
  const row = new Float32Array(4 * width);
  const made: Paint = { share: 0, left: 0, far: 0 };
  const laid = nearBy(sketch, (label) => label !== NOTHING);
  const hides = nearBy(sketch, (label) => label === HIDDEN);
  for (let i = 0; i < plane; i++) {
    const x = i % width;
    const y = Math.floor(i / width);
    if (x === 0) layerRow({ data: sketch.data, width: size, height: size }, width, (y + 0.5) / height, row);
    const share = row[3 * width + x];
    said[i] = share;
    const place = Math.floor((y * size) / height) * size + Math.floor((x * size) / width);
    // Where nothing was laid near by there is only noise, and so is what a colour leaves where nothing is hidden.
    const isNoise = share === 0 || !laid[place];
    if (isNoise || (labels[i] === HIDDEN && !hides[place])) labels[i] = NOTHING;
    if (share === 0 || labels[i] === HIDDEN) continue;
    const own: Colour =
      labels[i] === NOTHING
        ? [row[x] / share, row[width + x] / share, row[2 * width + x] / share]
        : colours[labels[i]];
    const heard = labels[i] === NOTHING ? differences.heard(differences.of[i]) : 1;
    paint(change, i, own, made);
    const { far } = made;
    cover.alpha[i] = isNoise ? share : (far * made.share * heard + UNSURE * share) / (far + UNSURE);
    for (let c = 0; c < 3; c++) cover.colour[c * plane + i] = own[c];
  }
  coverHidden(change, differences, labels, cover, said);
  return { width, height, data: bytesOf(cover) };
}
