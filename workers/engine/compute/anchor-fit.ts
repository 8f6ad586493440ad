/**
 * Chooses the anchor of a pair (docs/architecture.md, "Anchor fit"): as it is, under a layer, or where something has
 * moved.
 */
import { Arena } from '../arena';
import { thin } from '../image/thin';
import { findCells } from './cells-fit';
import type { Cells, Tensor, Warp } from './compute';
import { fitFilters, type FilterFit } from './filter-fit';
import { withFineScreen } from './fine-screen';
import { fitLayered } from './layered-fit';
import type { Fitter, FullPair, PairPixels, Prepared } from './pair';
import { fitKernel } from './kernel-fit';
import { matchPair } from './patch-match';
import { pixelsAt } from './reference/pixels';
import { sideOf } from './shapes';
import { isCells } from './reference/cells';
import { isKernel } from './reference/kernel';
import { fitStill, noWeights, TINY_OF_PIXELS, TONED, UNEXPLAINED, type AnchorFit } from './still-fit';
import type { Means } from './table-fit';
import { fitChannels, fitWarp, sourcesOf } from './warp-fit';

export { fitStill, type AnchorFit } from './still-fit';

/** A warp is looked for where the best fit leaves more than this mean squared error, 30 dB. */
const UNSOLVED = 1e-3;
/** The most that a warp may leave of it, alone and with a fit on top; correspondences are far freer. */
const WARPED = 0.5;
const MATCHED = 0.25;
/** Filters that leave at most this share are so good that nothing else is looked for: a layer can be like anything. */
const CONVINCING = 0.25;

async function withFields<Data>(
  compute: Fitter<Data>,
  a: Tensor<Data>,
  arena: Arena<Data>,
): Promise<Prepared<Data>> {
  const fields = arena.keep(compute.fields(a));
  return { a, fields, fieldsRead: await compute.read(fields) };
}

/** Fits to the means of a pair's pixels. */
async function fitMeans<Data>(
  compute: Fitter<Data>,
  { a, fields, fieldsRead }: Prepared<Data>,
  a2: Tensor<Data>,
  cells?: Cells,
): Promise<AnchorFit> {
  const gram = await compute.anchorGram(a, a2, fields);
  const [own, edited] = [await compute.read(a), await compute.read(a2)];
  return fitStill(gram, { a: own, a2: edited, fields: fieldsRead, size: sideOf(a, 3), cells });
}

/** Fits to the pixels of a pair; `warp` has moved `prepared` already. */
async function fitPixels<Data>(
  compute: Fitter<Data>,
  pixels: PairPixels,
  prepared: Prepared<Data>,
  warp: Warp | undefined,
): Promise<AnchorFit> {
  const { dims } = prepared.a;
  const size = sideOf(prepared.a, 3);
  const cells = cellsOf(warp);
  // Cells have so many pixels as they have, not as many as are left of them in a thinned picture.
  const { whole } = pixels;
  const filtered = warp !== undefined && isKernel(warp);
  const a = pixelsAt(cells || filtered ? thin(whole.a, whole.a.width, whole.a.height) : pixels.a, size, warp);
  const a2 = pixelsAt(pixels.a2, size, undefined);
  const arena = new Arena(compute);
  try {
    const [own, edited] = [a, a2].map((planes) => arena.keep(compute.upload(planes, dims, 'pixels')));
    const gram = await compute.anchorGram(own, edited, prepared.fields);
    return fitStill(gram, { a, a2, fields: prepared.fieldsRead, size, cells, filtered }, TINY_OF_PIXELS);
  } finally {
    arena.dispose();
  }
}

function cellsOf(warp: Warp | undefined): Cells | undefined {
  return warp !== undefined && isCells(warp) ? warp : undefined;
}

/** Of fits to pixels and to their means the better one: a screen of pixels, since means have no dots. */
function better(fine: AnchorFit, coarse: AnchorFit): AnchorFit {
  return fine.screen !== undefined || (fine.scoreOfMeans ?? fine.score) <= coarse.score ? fine : coarse;
}

/** The anchor of a pair whose a is moved, or undefined where that leaves more than `most`. */
async function fitMoved<Data>(
  compute: Fitter<Data>,
  { a, a2, pixels }: FullPair<Data>,
  warp: Warp,
  most: number,
): Promise<AnchorFit | undefined> {
  const arena = new Arena(compute);
  try {
    const moved = await withFields(compute, arena.keep(compute.warp(a, warp)), arena);
    let fit = pixels && (await fitPixels(compute, pixels, moved, warp));
    // The warp is as exact as the model's size lets it be, which is less than pixels ask for.
    if (!isKernel(warp) && (fit === undefined || fit.score > UNSOLVED)) {
      const coarse = await fitMeans(compute, moved, a2, cellsOf(warp));
      fit = fit === undefined ? coarse : better(fit, coarse);
    }
    return fit !== undefined && fit.score <= most ? { ...fit, warp } : undefined;
  } finally {
    arena.dispose();
  }
}

/** The best anchor of a pair of which a is moved, channel by channel, smoothly or place by place, or undefined. */
async function fitWarped<Data>(
  compute: Fitter<Data>,
  pair: FullPair<Data>,
  means: Means,
  still: AnchorFit,
  checkpoint: () => Promise<void>,
): Promise<AnchorFit | undefined> {
  const moved = async (
    found: { readonly warp: Warp; readonly left: number } | undefined,
  ): Promise<AnchorFit | undefined> =>
    found !== undefined && found.left <= WARPED
      ? fitMoved(compute, pair, found.warp, WARPED * still.score)
      : undefined;
  const sources = sourcesOf(means);
  const apart = await moved(fitChannels(means, sources));
  await checkpoint();
  // What moves all channels alike may look like channels apart, with a table on top.
  if (apart === undefined && still.score <= UNSOLVED) return undefined;
  const smooth = await moved(fitWarp(means, sources));
  await checkpoint();
  const best = apart === undefined || (smooth && smooth.score <= apart.score) ? smooth : apart;
  const { score } = best ?? still;
  if (score <= UNSOLVED) return best;
  const matches = matchPair(means);
  return (matches && (await fitMoved(compute, pair, { matches }, MATCHED * score))) ?? best;
}

/**
 * What all of a pair's pixels show, where `first` was fitted to some: dots, cells, or that a kernel has filtered them.
 * `fields` are the prepared a's.
 */
async function fitOwn<Data>(
  compute: Fitter<Data>,
  pair: FullPair<Data>,
  { whole }: PairPixels,
  first: AnchorFit,
  fields: Float32Array,
): Promise<AnchorFit> {
  const still = withFineScreen(first, whole, fields);
  const cells = first.score > TONED ? findCells(whole.a2) : undefined;
  const meant = cells && (await fitMoved(compute, pair, cells, WARPED * first.score));
  // Dots in rows look like cells.
  if (meant !== undefined && (still.screen === undefined || meant.score <= still.score)) return meant;
  const more = Math.min(whole.a.width, whole.a.height) > sideOf(pair.a, 3);
  if (!more || still.screen !== undefined || still.score <= UNEXPLAINED) return still;
  const kernel = fitKernel(whole);
  return (kernel && (await fitMoved(compute, pair, kernel, still.score))) ?? still;
}

/** What filters make of all of a pair's pixels, or undefined where that leaves much of what `plain` leaves. */
function fitFiltered<Data>(
  { pixels }: FullPair<Data>,
  { a, size }: Means,
  plain: AnchorFit,
  fields: Float32Array,
): (AnchorFit & FilterFit) | undefined {
  const { warp, screen, score, luma } = plain;
  const { whole } = pixels ?? {};
  if (whole === undefined || Math.min(whole.a.width, whole.a.height) <= size) return undefined;
  if (score <= TONED || screen !== undefined || (warp !== undefined && !isKernel(warp))) return undefined;
  const found = fitFilters(whole, { planes: a, fields }, plain);
  return found && { ...found, name: found.lookup.kind, weights: noWeights(), luma };
}

/**
 * The anchor of a pair: fitted to pixels where there are some, and where that leaves an error under a layer, to a
 * moved a or to means. `checkpoint` is called before each of these, which take as long again; what it throws ends the fit.
 */
export async function fitAnchor<Data>(
  compute: Fitter<Data>,
  pair: FullPair<Data>,
  checkpoint: () => Promise<void>,
): Promise<AnchorFit> {
  const { a, a2, pixels } = pair;
  const arena = new Arena(compute);
  try {
    const prepared = await withFields(compute, a, arena);
    const means: Means = { a: await compute.read(a), a2: await compute.read(a2), size: sideOf(a, 3) };
    const first =
      pixels === undefined
        ? await fitMeans(compute, prepared, a2)
        : await fitPixels(compute, pixels, prepared, undefined);
    await checkpoint();
    const plain = pixels ? await fitOwn(compute, pair, pixels, first, prepared.fieldsRead) : first;
    await checkpoint();
    const filtered = fitFiltered(pair, means, plain, prepared.fieldsRead);
    const still = filtered ?? plain;
    if (plain.warp !== undefined || (filtered && filtered.share <= CONVINCING)) return still;
    await checkpoint();
    const covered =
      plain.score > UNEXPLAINED ? await fitLayered(compute, pair, means, prepared, plain) : undefined;
    if (covered !== undefined) return covered;
    if (still.score <= TONED || still.screen !== undefined) return still;
    await checkpoint();
    const moved = await fitWarped(compute, pair, means, still, checkpoint);
    if (moved !== undefined || pixels === undefined || still.score <= UNSOLVED) return moved ?? still;
    return better(still, await fitMeans(compute, prepared, a2));
  } finally {
    arena.dispose();
  }
}

function kindOf(warp: Warp): string {
  if (isCells(warp)) return 'cells';
  if (isKernel(warp)) return 'kernel';
  if ('matches' in warp) return 'correspondences';
  return 'channels' in warp ? 'channels' : 'warp';
}

/** What the anchor is, for reports: 'colour', 'warp', 'warp + colour', 'correspondences', 'channels', 'kernel', 'cells + screen', 'colour + layer'. */
export function nameOf({ name, warp, layer }: AnchorFit): string {
  if (layer !== undefined) return name === 'none' ? 'layer' : `${name} + layer`;
  if (warp === undefined) return name;
  return name === 'none' ? kindOf(warp) : `${kindOf(warp)} + ${name}`;
}
