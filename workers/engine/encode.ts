/** A triplet to what the denoiser is given: decode → frame → prepare → anchor → encode → route. */
import { Arena } from './arena';
import { fitAnchor, type AnchorFit } from './compute/anchor-fit';
import type { Compute, FullImage, Line, Tensor } from './compute/compute';
import { ofMeans } from './compute/reference/kernel';
import { lineOf } from './compute/reference/line';
import { sideOf } from './compute/shapes';
import {
  changeOf,
  edgesOf,
  frameFor,
  holeOf,
  isSized,
  partOf,
  placeOf,
  turnedSize,
  type Change,
  type Frame,
  type Size,
} from './frame';
import { findFrame } from './frame-fit';
import { cutOut } from './image/planes';
import { shrink } from './image/resize';
import { thin } from './image/thin';
import { atOwnSize } from './layer';
import { shapedFor } from './layer-shape';
import { unmasked } from './mask';
import { matOf, type Mat } from './mat';
import { anchorFor } from './shape';
import type { Job } from './job';
import { feedsFor } from './graph';
import type { Model } from './model';
import type { Place, RgbaImage, Triplet } from './protocol';
import type { Runtime } from './runtime';

/** The mean square of a′ − a below which nothing was done to a. */
const STILL = 1e-6;
/** Of each axis, an anchor is fitted to and evaluated on at most this many pixels for one of the model's. */
const FINE = 3;

interface Pictures {
  readonly a: RgbaImage;
  readonly a2: RgbaImage;
}

export type Decode = (blob: Blob) => Promise<RgbaImage>;

/** Everything known about a pair, whatever it is applied to; `dispose` releases its tensors. */
export interface ReadPair<Data> {
  readonly key: string;
  /** Prepared a and a′, `[3, S, S]`. */
  readonly a: Tensor<Data>;
  readonly a2: Tensor<Data>;
  /** Of a to a′, what a′ has around a, and what it cuts out of it. */
  readonly change: Change;
  readonly mat: Mat | undefined;
  readonly mask: RgbaImage | undefined;
  /** Of a as it is edited, in pixels: the part of it that a′ shows, stretched or turned as a′ is. */
  readonly size: Size;
  readonly fit: AnchorFit;
  /** Nothing was done to a, whatever was done to its shape. */
  readonly still: boolean;
  readonly line?: Line | undefined;
  /** The denoiser's input, in its precision. */
  readonly pairs: Tensor<Data>;
  dispose(): void;
}

/** Everything known about a triplet; `dispose` releases its tensors, not those of its pair. */
export interface Encoded<Data> {
  readonly key: string;
  readonly pair: ReadPair<Data>;
  /** Where b goes in b′, and where it and what the previews show are in each other. */
  readonly frame: Frame;
  readonly place: Place;
  readonly shown: Place;
  /** What of b is edited, at its own size unless it is stretched, and on the backend. */
  readonly image: RgbaImage;
  readonly full: FullImage<Data>;
  /** Prepared b and its anchor, `[3, S, S]`. */
  readonly b: Tensor<Data>;
  readonly anchorB: Tensor<Data>;
  /** The pair's fit and mask for a picture of b's shape. */
  readonly anchor: AnchorFit;
  readonly mask: RgbaImage | undefined;
  /** The denoiser's input, in its precision. */
  readonly target: Tensor<Data>;
  /** c `[L, N]` as the encoder gives them. */
  readonly coefficients: Float32Array;
  dispose(): void;
}

export interface Keys {
  readonly pair: string;
  readonly triplet: string;
}

/** SHA-256 of the pair's files and of all three: blobs that cross to the worker are new objects each time. */
export async function keysOf(triplet: Triplet): Promise<Keys> {
  const digests = await Promise.all(
    [triplet.a, triplet.a2, triplet.b].map(async (blob) =>
      crypto.subtle.digest('SHA-256', await blob.arrayBuffer()),
    ),
  );
  const [a, a2, b] = digests.map((digest) => [...new Uint8Array(digest)].join('.'));
  return { pair: `${a}/${a2}`, triplet: `${a}/${a2}/${b}` };
}

/** e = [f(a); f(a′); f(b)] → c. */
async function coefficientsOf<Data>(
  runtime: Runtime<Data>,
  model: Model<Data>,
  images: readonly Tensor<Data>[],
): Promise<Float32Array> {
  const { compute } = runtime;
  const { encoder, basis } = model.manifest;
  const arena = new Arena(compute);
  try {
    const type = model.precision === 'fp16' ? 'float16' : 'float32';
    const stacked = arena.keep(compute.stack(images, type));
    const activations = new Map([[encoder.inputs.images, stacked]]);
    const outputs = await model.encoder.run(feedsFor(model.encoder, model.encoderWeights, activations));
    const features = outputs.get(encoder.outputs.features);
    if (features === undefined) throw new Error('the encoder returned no features');
    try {
      // Row-major [3, features] is the concatenation already.
      const flat = { ...features.tensor, dims: [3 * encoder.features] };
      const e = arena.keep(compute.cast(flat, 'float32'));
      return await compute.route(e, model.keys, model.query, basis.activation);
    } finally {
      for (const output of outputs.values()) output.dispose();
    }
  } finally {
    arena.dispose();
  }
}

function found<Name, T>(all: ReadonlyMap<Name, T>, name: Name): T {
  const one = all.get(name);
  if (one === undefined) throw new Error(`${String(name)} was not read`);
  return one;
}

/** What a pair does to a picture's shape. */
type Framing = Pick<ReadPair<never>, 'change' | 'mat' | 'mask' | 'size'>;

/** A pair's pictures as far as they show the same; what else a′ has is around them, and what it has not is cut out. */
function inFrame(pictures: Pictures): Pictures & Framing {
  const { a, a2, ...framing } = framed(pictures);
  return { a, ...framing, ...(isSized(a, a2) ? unmasked(a, a2) : { a2, mask: undefined }) };
}

function framed({ a, a2 }: Pictures): Pictures & Omit<Framing, 'mask'> {
  const found = findFrame(a, a2);
  const change = changeOf(a, a2, found);
  const { kept, size } = frameFor(change, a);
  if (change.kind !== 'framed' || found === undefined)
    return { change, a, a2, mat: undefined, size: change.kind === 'none' ? a : size };
  const hole = holeOf(found, a, a2);
  const shown = cutOut(a, kept);
  const mat = matOf(shown, a2, edgesOf(hole, found, a2));
  // One of the same size may as well have been zoomed, which an anchor finds.
  if (isSized(a, a2) && mat?.backdrop === undefined)
    return { change: { kind: 'none' }, a, a2, mat: undefined, size: a };
  return { change, a: shown, a2: cutOut(a2, hole), mat, size: kept };
}

/** b as far as it is edited, and where it goes. */
function placed(b: RgbaImage, change: Change): Pick<Encoded<never>, 'frame' | 'place' | 'shown' | 'image'> {
  const frame = frameFor(change, b);
  const { kept, at } = frame;
  const image = change.kind === 'stretched' ? shrink(b, at.width, at.height) : cutOut(b, kept);
  return { frame, place: placeOf(frame, b), shown: partOf(kept, b), image };
}

function thinned(picture: RgbaImage, size: number): RgbaImage {
  return thin(picture, Math.min(picture.width, FINE * size), Math.min(picture.height, FINE * size));
}

/** The anchor that makes a′ of a, as far as they show the same. */
async function fitPair<Data>(
  compute: Compute<Data>,
  { a, a2 }: { readonly a: Tensor<Data>; readonly a2: Tensor<Data> },
  { whole, own }: { readonly whole: Pictures; readonly own: Pictures },
  job: Job,
): Promise<AnchorFit> {
  const { width, height } = whole.a;
  const paired =
    width === whole.a2.width && height === whole.a2.height && Math.min(width, height) >= sideOf(a, 3);
  const pixels = paired ? { ...own, whole } : undefined;
  const fit = await fitAnchor(compute, { a, a2, pixels }, () => job.checkpoint());
  return atOwnSize(compute, fit, { a, imageA: whole.a, imageA2: whole.a2 }, job);
}

/**
 * @param known the triplet's pair where it has been read: nothing of it is decoded or fitted again
 * @throws EngineFailure `image/…` for the picture that cannot be used
 */
export async function encodeTriplet<Data>(
  runtime: Runtime<Data>,
  model: Model<Data>,
  triplet: Triplet,
  keys: Keys,
  known: ReadPair<Data> | undefined,
  decode: Decode,
  job: Job,
): Promise<Encoded<Data>> {
  const { compute } = runtime;
  const { size } = model.manifest.image;
  const type = model.precision === 'fp16' ? 'float16' : 'float32';
  const ofPair = new Arena(compute);
  const ofB = new Arena(compute);
  const passing = new Arena(compute);
  try {
    const read = known === undefined ? (['a', 'a2', 'b'] as const) : (['b'] as const);
    const decoded = await job.phase('decoding', read.length, async (report) => {
      const images = new Map<keyof Triplet, RgbaImage>();
      for (const name of read) {
        images.set(name, await decode(triplet[name]));
        report(images.size);
        await job.checkpoint();
      }
      return images;
    });

    const made = await job.phase('preparing', read.length, async (report) => {
      const images = new Map<keyof Triplet, RgbaImage>();
      let framing: Framing | undefined = known;
      if (framing === undefined) {
        const { a, a2, ...rest } = inFrame({ a: found(decoded, 'a'), a2: found(decoded, 'a2') });
        images.set('a', a).set('a2', a2);
        framing = rest;
        await job.checkpoint();
      }
      const placing = placed(found(decoded, 'b'), framing.change);
      images.set('b', placing.image);
      const uploaded = new Map<keyof Triplet, FullImage<Data>>();
      const prepared = new Map<keyof Triplet, Tensor<Data>>();
      for (const name of read) {
        const [whole, own] = name === 'b' ? [ofB, ofB] : [passing, ofPair];
        const picture = whole.keep(compute.uploadImage(found(images, name), name));
        uploaded.set(name, picture);
        prepared.set(name, own.keep(compute.prepare(picture, size)));
        passing.release(picture);
        report(prepared.size);
        await job.checkpoint();
      }
      return { images, framing, placing, full: found(uploaded, 'b'), prepared };
    });
    const { images, framing, placing, full, prepared } = made;
    const b = found(prepared, 'b');
    const { image, frame } = placing;

    async function readPair(): Promise<ReadPair<Data>> {
      const [a, a2] = [found(prepared, 'a'), found(prepared, 'a2')];
      const whole = { a: found(images, 'a'), a2: found(images, 'a2') };
      const own = { a: thinned(whole.a, size), a2: thinned(whole.a2, size) };
      const fit = await fitPair(compute, { a, a2 }, { whole, own }, job);
      const onA = passing.keep(compute.uploadImage(own.a, 'a, thinned'));
      const anchorA = passing.keep(compute.anchorApply(onA, a, ofMeans(fit)));
      passing.release(onA);
      const pairs = ofPair.keep(compute.pairInput(a, a2, anchorA, type));
      const [before, after] = [await compute.read(a), await compute.read(a2)];
      const line = lineOf(before, after);
      const still =
        before.reduce((sum, value, i) => sum + (after[i] - value) ** 2, 0) < STILL * before.length;
      const dispose = (): void => ofPair.dispose();
      return { ...framing, key: keys.pair, a, a2, fit, still, line, pairs, dispose };
    }

    const { pair, anchor, mask, anchorB, target } = await job.phase('anchoring', 2, async (report) => {
      const pair = known ?? (await readPair());
      report(1);
      await job.checkpoint();
      const shape = frame.turned ? turnedSize(image) : image;
      const anchor = anchorFor(pair.fit, pair.size, shape);
      const mask = pair.mask && shapedFor(pair.mask, pair.size, shape);
      const onB = passing.keep(compute.uploadImage(thinned(image, size), 'b, thinned'));
      const anchorB = ofB.keep(compute.anchorApply(onB, b, ofMeans(anchor)));
      return { pair, anchor, mask, anchorB, target: ofB.keep(compute.targetInput(b, anchorB, type)) };
    });

    const coefficients = await job.phase('encoding', 1, () =>
      coefficientsOf(runtime, model, [pair.a, pair.a2, b]),
    );
    const dispose = (): void => ofB.dispose();
    return {
      ...placing,
      key: keys.triplet,
      pair,
      full,
      b,
      anchorB,
      anchor,
      mask,
      target,
      coefficients,
      dispose,
    };
  } catch (thrown) {
    ofPair.dispose();
    ofB.dispose();
    throw thrown;
  } finally {
    passing.dispose();
  }
}
