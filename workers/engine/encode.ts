/** A triplet to what the denoiser is given: decode → prepare → anchor → encode → route. */
import { Arena } from './arena';
import { fitAnchor, type AnchorFit } from './compute/anchor-fit';
import type { FullImage, Tensor } from './compute/compute';
import { atOwnSize } from './layer';
import { anchorFor } from './shape';
import { thin } from './image/thin';
import type { Job } from './job';
import { feedsFor } from './graph';
import type { Model } from './model';
import type { RgbaImage, Triplet } from './protocol';
import type { Runtime } from './runtime';

/** Of each axis, an anchor is fitted to and evaluated on at most this many pixels for one of the model's. */
const FINE = 3;

export type Decode = (blob: Blob) => Promise<RgbaImage>;

/** Everything known about a triplet; `dispose` releases its tensors. */
export interface Encoded<Data> {
  /** SHA-256 of the three files: the same triplet is not encoded twice. */
  readonly key: string;
  /** b at its own size, and on the backend. */
  readonly image: RgbaImage;
  readonly full: FullImage<Data>;
  /** Prepared b and its anchor, `[3, S, S]`. */
  readonly b: Tensor<Data>;
  readonly anchorB: Tensor<Data>;
  readonly anchor: AnchorFit;
  /** The denoiser's inputs, in its precision. */
  readonly pairs: Tensor<Data>;
  readonly target: Tensor<Data>;
  /** c `[L, N]` as the encoder gives them. */
  readonly coefficients: Float32Array;
  dispose(): void;
}

/** Blobs that cross to the worker are new objects each time, so only their content tells. */
export async function tripletKey(triplet: Triplet): Promise<string> {
  const digests = await Promise.all(
    [triplet.a, triplet.a2, triplet.b].map(async (blob) =>
      crypto.subtle.digest('SHA-256', await blob.arrayBuffer()),
    ),
  );
  return digests.map((digest) => [...new Uint8Array(digest)].join('.')).join('/');
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

/**
 * @throws EngineFailure `image/…` for the picture that cannot be used
 */
export async function encodeTriplet<Data>(
  runtime: Runtime<Data>,
  model: Model<Data>,
  triplet: Triplet,
  key: string,
  decode: Decode,
  job: Job,
): Promise<Encoded<Data>> {
  const { compute } = runtime;
  const { size } = model.manifest.image;
  const type = model.precision === 'fp16' ? 'float16' : 'float32';
  const kept = new Arena(compute);
  const passing = new Arena(compute);
  try {
    const images = await job.phase('decoding', 3, async (report) => {
      const decoded: RgbaImage[] = [];
      for (const blob of [triplet.a, triplet.a2, triplet.b]) {
        decoded.push(await decode(blob));
        report(decoded.length);
        await job.checkpoint();
      }
      return decoded;
    });
    const [imageA, imageA2, image] = images;
    if (imageA === undefined || imageA2 === undefined || image === undefined)
      throw new Error('three pictures are needed');

    const thinned = (picture: RgbaImage): RgbaImage =>
      thin(picture, Math.min(picture.width, FINE * size), Math.min(picture.height, FINE * size));
    const { a, a2, b, full } = await job.phase('preparing', 3, async (report) => {
      const shrinkA = passing.keep(compute.uploadImage(imageA, 'a'));
      const preparedA = passing.keep(compute.prepare(shrinkA, size));
      passing.release(shrinkA);
      report(1);
      await job.checkpoint();
      const shrinkA2 = passing.keep(compute.uploadImage(imageA2, 'a2'));
      const preparedA2 = passing.keep(compute.prepare(shrinkA2, size));
      passing.release(shrinkA2);
      report(2);
      await job.checkpoint();
      const own = kept.keep(compute.uploadImage(image, 'b'));
      return { a: preparedA, a2: preparedA2, b: kept.keep(compute.prepare(own, size)), full: own };
    });

    const { anchor, anchorB, pairs, target } = await job.phase('anchoring', 3, async (report) => {
      const [ownA, ownA2, ownB] = [imageA, imageA2, image].map(thinned);
      const paired =
        imageA.width === imageA2.width &&
        imageA.height === imageA2.height &&
        Math.min(imageA.width, imageA.height) >= size;
      const whole = { a: imageA, a2: imageA2 };
      const pixels = paired ? { a: ownA, a2: ownA2, whole } : undefined;
      const fitted = await fitAnchor(compute, { a, a2, pixels }, async () => {
        report(1);
        await job.checkpoint();
      });
      const fit = paired ? await atOwnSize(compute, fitted, { a, imageA, imageA2 }, job) : fitted;
      report(2);
      await job.checkpoint();
      const onA = passing.keep(compute.uploadImage(ownA, 'a, thinned'));
      const anchorA = passing.keep(compute.anchorApply(onA, a, fit));
      passing.release(onA);
      const shaped = anchorFor(fit, imageA, image);
      const onB = passing.keep(compute.uploadImage(ownB, 'b, thinned'));
      const ofB = kept.keep(compute.anchorApply(onB, b, shaped));
      return {
        anchor: shaped,
        anchorB: ofB,
        pairs: kept.keep(compute.pairInput(a, a2, anchorA, type)),
        target: kept.keep(compute.targetInput(b, ofB, type)),
      };
    });

    const coefficients = await job.phase('encoding', 1, () => coefficientsOf(runtime, model, [a, a2, b]));
    return {
      key,
      image,
      full,
      b,
      anchorB,
      anchor,
      pairs,
      target,
      coefficients,
      dispose: () => kept.dispose(),
    };
  } catch (thrown) {
    kept.dispose();
    throw thrown;
  } finally {
    passing.dispose();
  }
}
