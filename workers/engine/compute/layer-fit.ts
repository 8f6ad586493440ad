/**
 * Finds what was laid over a picture, at the model's size (docs/architecture.md, "Layer"): where its colours lie, and
 * whether it is a layer at all.
 */
import { coloursOf } from './layer-colours';
import {
  around,
  bytesOf,
  coverHidden,
  differencesOf,
  labelsOf,
  NOTHING,
  paint,
  pixelsWhere,
  SPECKS,
  UNSURE,
  type Change,
  type Colour,
  type Cover,
  type Differences,
  type Paint,
  type Sketch,
  type Trust,
} from './layer-paint';
import { isDrawn, isShade, likeness, type Signs } from './layer-signs';
import { halved } from './pyramid';
import { sampledRow } from './reference/features';

/** The least share of the picture that nothing was laid over. */
const BARE = 0.1;
/** Of the picture: fewer pixels say nothing. */
const FEW = 1 / 1024;

// What tells a layer from an edit that leaves part of the picture as it is.
/** Share of what is laid that no colour explains, below which one colour needs no more tests. */
const FLAT = 0.02;
const MOSTLY_BARE = 0.62;
/** Its edges, over those of the picture there, or those of its strong pixels: about them a JPEG has noise, without edges. */
const EDGED = 1.3;
const SHARPLY = 1.8;
/** Type on a shade of any size: its share of what is laid at most, and its edges, as above. */
const TYPE = 0.25;
const CRISP = 3;
/** Correlation of what hides the picture with it. */
const ALIKE = 0.65;
/** How far what is laid lies together: grain does by 0.4 to 0.5, type by 0.8 and more. */
const TOGETHER = 0.65;

/** What was laid over a picture. */
export interface FoundLayer extends Sketch {
  readonly plausible: boolean;
  /** Whether what hides the picture is something else than the picture. */
  readonly foreign: boolean;
}

/** Shares `[S, S]` where they are sure, elsewhere those of pixels near by: means of 2 × 2, and so on, and back. */
function spread(share: Float32Array, weight: Float32Array, size: number): Float32Array {
  const levels = [{ size, sum: share.map((value, i) => value * weight[i]), weight }];
  for (let last = levels[0]; last.size > 4 && last.size % 2 === 0; last = levels[levels.length - 1]) {
    const wide = last.size;
    levels.push({ size: wide / 2, sum: halved(last.sum, wide), weight: halved(last.weight, wide) });
  }
  const coarsest = levels[levels.length - 1];
  let near: Float32Array = coarsest.sum.map((value, i) => value / (coarsest.weight[i] + 1e-9));
  for (const level of levels.slice(0, -1).reverse())
    near = doubled(near, level.size / 2).map(
      (value, i) => (level.sum[i] + UNSURE * value) / (level.weight[i] + UNSURE),
    );
  return near;
}

/** A plane `[half, half]` at twice the size, bilinear. */
function doubled(plane: Float32Array, half: number): Float32Array {
  const width = 2 * half;
  const out = new Float32Array(width * width);
  for (let y = 0; y < width; y++)
    sampledRow(plane, half, { width, v: (y + 0.5) / width }, out.subarray(y * width, (y + 1) * width));
  return out;
}

/** The colours where they lie: of pixels that none explains, and that are not hidden, the one that covers most. */
function coverOf(
  change: Change,
  differences: Differences,
  labels: Int8Array,
  colours: readonly Colour[],
): Cover {
  const plane = labels.length;
  const cover: Cover = { alpha: new Float32Array(plane), colour: new Float32Array(3 * plane) };
  const made: Paint = { share: 0, left: 0, far: 0 };
  colours.forEach((colour, k) => {
    const mine = labels.map((label) => (label === k || label === NOTHING ? 1 : 0));
    const [share, weight] = [new Float32Array(plane), new Float32Array(plane)];
    mine.forEach((taken, i) => {
      if (taken === 0) return;
      paint(change, i, colour, made);
      const heard = labels[i] === NOTHING ? differences.heard(differences.of[i]) : 1;
      [share[i], weight[i]] = [made.share * heard, made.far];
    });
    spread(share, weight, change.width).forEach((value, i) => {
      if (mine[i] === 0 || value <= cover.alpha[i]) return;
      cover.alpha[i] = value;
      for (let c = 0; c < 3; c++) cover.colour[c * plane + i] = colour[c];
    });
  });
  return cover;
}

/** How many of the nine pixels around i, itself among them, are so. */
function countAround(change: Change, i: number, test: (at: number) => boolean): number {
  let count = 0;
  around(i, 1, change, (at) => {
    if (test(at)) count++;
  });
  return count;
}

/**
 * How far what is laid lies together: the share of the eight pixels around that is laid too, weighted by squared
 * differences; 0 where that is chance, 1 where it is all.
 */
function gathered(change: Change, differences: Float32Array, laid: (i: number) => boolean): number {
  let [beside, weights, count] = [0, 0, 0];
  differences.forEach((difference, i) => {
    if (!laid(i)) return;
    const weight = difference ** 2;
    beside += (weight * (countAround(change, i, laid) - 1)) / 8;
    weights += weight;
    count++;
  });
  const chance = count / differences.length;
  return (beside / weights - chance) / (1 - chance);
}

/** The mean difference between neighbours of which one is laid over. */
function edges(planes: Float32Array, laid: (i: number) => boolean, size: number): number {
  const plane = size * size;
  let [sum, count] = [0, 0];
  const look = (i: number, next: number): void => {
    if (laid(i) === laid(next)) return;
    for (let c = 0; c < 3; c++) sum += Math.abs(planes[c * plane + next] - planes[c * plane + i]) / 3;
    count++;
  };
  for (let i = 0; i < plane; i++) {
    if (i % size < size - 1) look(i, i + 1);
    if (i + size < plane) look(i, i + size);
  }
  return sum / Math.max(1, count);
}

/** Whether a change is a soft shade of a colour with nothing but sharp type on it; other colours are then none. */
function isSoft(
  change: Change,
  { of, laid, near, heard }: Differences,
  colour: Colour,
  isEdged: (what: (i: number) => boolean, times: number) => boolean,
): boolean {
  const plane = of.length;
  const [share, shown] = [new Float32Array(plane), new Float32Array(plane)];
  const typed = new Uint8Array(plane);
  const made: Paint = { share: 0, left: 0, far: 0 };
  let [lies, covered] = [0, 0];
  of.forEach((difference, i) => {
    paint(change, i, colour, made);
    if (difference > laid) covered++;
    if (difference > near && made.left >= near) {
      typed[i] = 1;
      lies++;
    }
    share[i] = made.share * (difference > laid ? 1 : heard(difference));
    // A pixel near to the colour says little.
    shown[i] = typed[i] ? 0 : made.far;
  });
  const crisp = lies <= FLAT * covered || (lies <= TYPE * covered && isEdged((i) => typed[i] === 1, CRISP));
  return crisp && isShade(spread(share, shown, change.width), shown);
}

/** What was laid over `u` to make a′, or undefined where that is nothing or everything; width and height are S. */
export function findLayer(change: Change, signs: Signs, trust: Trust): FoundLayer | undefined {
  const { u, a2, width: size } = change;
  const plane = size * size;
  const differences = differencesOf(change, trust);
  const laid = (i: number): boolean => differences.of[i] > differences.laid;
  const isStrong = (i: number): boolean => differences.of[i] > differences.strong;
  const strong = pixelsWhere(plane, isStrong);
  const covered = pixelsWhere(plane, laid).length;
  const bare = 1 - covered / plane;
  const few = FEW * plane;
  if (bare < BARE || strong.length < few) return undefined;

  const together = gathered(change, differences.of, laid) > TOGETHER;
  const all = coloursOf(change, strong, differences.near, few);
  const isEdged = (what: (i: number) => boolean, times: number): boolean =>
    edges(a2, what, size) >= times * edges(u, what, size);
  const soft = together && all.length > 0 && isSoft(change, differences, all[0], isEdged);
  const colours = soft ? all.slice(0, 1) : all;
  const labels = labelsOf(change, differences, colours);
  const cover = coverOf(change, differences, labels, colours);
  coverHidden(change, differences, labels, cover);

  const made: Paint = { share: 0, left: 0, far: 0 };
  const painted = labels.map((k, i) =>
    k >= 0 && paint(change, i, colours[k], made).left < differences.near ? 1 : 0,
  );
  const unexplained = pixelsWhere(plane, (i) => differences.of[i] > differences.near && painted[i] === 0);
  const hidden =
    trust.mixed && together
      ? unexplained.filter((i) => countAround(change, i, (at) => painted[at] === 1) === 0)
      : unexplained;
  const shareHidden = hidden.length / covered;
  const foreign = shareHidden <= SPECKS || Math.abs(likeness(u, a2, plane, hidden)) <= ALIKE;
  const oneColour = colours.length === 1 && unexplained.length <= FLAT * covered;
  const near = (i: number, colour: Colour): boolean =>
    colour.every((value, c) => Math.abs(a2[c * plane + i] - value) < differences.near);
  const shared =
    pixelsWhere(plane, (i) => !laid(i) && colours.some((colour) => near(i, colour))).length /
    (plane - covered);
  const plausible =
    (soft || shareHidden <= trust.hidden) &&
    shared <= trust.shared &&
    (oneColour ||
      (foreign && (soft || (bare >= MOSTLY_BARE && (isEdged(laid, EDGED) || isEdged(isStrong, SHARPLY)))))) &&
    !isDrawn(cover.alpha, signs, soft);
  return { data: bytesOf(cover), colours, labels, trust, plausible, foreign };
}
