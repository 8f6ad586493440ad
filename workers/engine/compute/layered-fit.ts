/** The anchor of a pair over which something was laid (docs/architecture.md, "Layer"): what lies under it, and the layer. */
import { Arena } from '../arena';
import { thin } from '../image/thin';
import { agreedTone } from './agreed-fit';
import type { Anchor, FullImage } from './compute';
import { findLayer, type FoundLayer } from './layer-fit';
import { AS_IT_WAS, EDITED, HIDDEN } from './layer-paint';
import { signsOf } from './layer-signs';
import type { Fitter, FullPair, Prepared } from './pair';
import { pixelsAt } from './reference/pixels';
import { fitUnder, foldsOfPixels, noWeights, type AnchorFit } from './still-fit';
import type { Means } from './table-fit';

/** What lies under a layer is looked for where the best fit leaves more than this, 45 dB. */
const UNDER = 3e-5;
/** The most that an anchor with a layer may leave of what the best without one leaves. */
const LAYERED = 0.25;
/** How often what lies under it is fitted, and the most that it may leave, 47 dB: what no anchor explains looks like a layer. */
const REFITS = 3;
const SOLVED = 2e-5;

/** An anchor with the layer that was found over `u`, which is what it makes of a, if that leaves much less than `still`. */
function layered(
  under: AnchorFit,
  sketch: FoundLayer,
  { u, a2, size }: { readonly u: Float32Array; readonly a2: Float32Array; readonly size: number },
  still: AnchorFit,
): AnchorFit | undefined {
  const { data } = sketch;
  const plane = size * size;
  let error = 0;
  for (let i = 0; i < plane; i++) {
    const bare = 1 - data[4 * i + 3] / 255;
    for (let c = 0; c < 3; c++)
      error += (a2[c * plane + i] - u[c * plane + i] * bare - data[4 * i + c] / 255) ** 2;
  }
  const score = error / (3 * plane);
  if (score > LAYERED * still.score) return undefined;
  return { ...under, score, sketch, layer: { width: size, height: size, data } };
}

/** The anchor of a pair over which something was laid, or undefined where none leaves much less than `still`. */
export async function fitLayered<Data>(
  compute: Fitter<Data>,
  { a: preparedA, pixels }: FullPair<Data>,
  { a, a2, size }: Means,
  { fields, fieldsRead }: Prepared<Data>,
  still: AnchorFit,
): Promise<AnchorFit | undefined> {
  const signs = signsOf({ a, fields: fieldsRead, size }, foldsOfPixels(size));
  for (const trust of AS_IT_WAS) {
    const bare = findLayer({ u: a, a2, width: size, height: size }, signs, trust);
    if (bare === undefined) break;
    if (!bare.plausible) continue;
    // Nothing was done to the picture itself.
    const none: AnchorFit = { name: 'none', weights: noWeights(), score: 0, luma: still.luma };
    const fit = layered(none, bare, { u: a, a2, size }, still);
    if (fit !== undefined) return fit;
  }
  if (pixels === undefined || still.score <= UNDER) return undefined;

  const [own, edited] = [pixelsAt(pixels.a, size, undefined), pixelsAt(pixels.a2, size, undefined)];
  const weights = agreedTone({ a: own, a2: edited, size });
  if (weights === undefined) return undefined;
  const arena = new Arena(compute);
  try {
    const fine = arena.keep(compute.uploadImage(pixels.a, 'a, thinned'));
    // Of as many pixels as what is made of a: means of more of them differ wherever there is detail.
    const fineA2 = arena.keep(compute.uploadImage(pixels.a2, 'a2, thinned'));
    const shownA2 = await compute.read(arena.keep(compute.prepare(fineA2, size)));
    const find = (u: Float32Array): FoundLayer | undefined =>
      findLayer({ u, a2: shownA2, width: size, height: size }, signs, EDITED);
    const thinned = arena.keep(compute.uploadImage(thin(pixels.a, size, size), 'pixels of a'));
    const columns = arena.keep(compute.upload(own, preparedA.dims, 'pixels'));
    const made = async (of: FullImage<Data>, anchor: Anchor): Promise<Float32Array> => {
      const applied = compute.anchorApply(of, preparedA, anchor);
      try {
        return await compute.read(applied);
      } finally {
        compute.release(applied);
      }
    };
    let under: Anchor = { weights };
    let found = find(await made(fine, under));
    let best: AnchorFit | undefined;
    for (let round = 0; round < REFITS && found !== undefined; round++) {
      const was = without(edited, found, await made(thinned, under));
      const shown = compute.upload(was, preparedA.dims, 'pixels');
      const gram = await compute.anchorGram(columns, shown, fields);
      compute.release(shown);
      const fit = fitUnder(gram, { a: own, a2: was, fields: fieldsRead, size });
      const u = await made(fine, fit);
      found = find(u);
      if (found?.plausible === true && leftBare(u, shownA2, found) <= SOLVED) {
        const covered = layered(fit, found, { u, a2: shownA2, size }, still);
        if (covered !== undefined && covered.score < (best?.score ?? Infinity)) best = covered;
        if (covered !== undefined && fit.score <= SOLVED) break;
      }
      under = fit;
    }
    return best;
  } finally {
    arena.dispose();
  }
}

/** The mean squared difference of `u` from a′ where nothing was laid over it, as a share of the whole picture. */
function leftBare(u: Float32Array, a2: Float32Array, { data, labels }: FoundLayer): number {
  const plane = labels.length;
  return (
    u.reduce((sum, value, k) => {
      const bare = data[4 * (k % plane) + 3] === 0 && labels[k % plane] !== HIDDEN;
      return bare ? sum + (value - a2[k]) ** 2 : sum;
    }, 0) / u.length
  );
}

/** a′ as far as nothing was laid over it, and `u` elsewhere: `[3, S, S]`. */
function without(a2: Float32Array, { data, labels, foreign }: FoundLayer, u: Float32Array): Float32Array {
  const plane = labels.length;
  return a2.map((value, k) => {
    const i = k % plane;
    // What hides the picture and is like it is not laid over it: u is wrong there.
    const laid = data[4 * i + 3] > 0 && (foreign || labels[i] !== HIDDEN);
    return laid ? u[k] : value;
  });
}
