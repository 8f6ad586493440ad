/** Finds a in an a′: as a part of it, cut, or both (docs/architecture.md, "Frame"). */
import { isSized, type Found } from './frame';
import { fitWithin, shrink } from './image/resize';
import { thin } from './image/thin';
import type { RgbaImage } from './protocol';
import { findScaled, rescaled } from './scale-fit';
import { levelsOf, likeness, startsOf } from './slopes';

/** The longer side of the coarsest level of the search, at most, and of a stretched a that is compared. */
const COARSE = 320;
const FINE = 320;
/** Pixels that a place is judged by: of many places, and of the last few. */
const MANY_PLACES = 2000;
const FEW_PLACES = 30_000;
/** Of either picture's axes so much has to be common at last: soft pictures are alike in small parts. */
const SHARED = 0.25;
/** What slopes have to agree, and by how much more than with those of a stretched over a′. */
const LIKE = 0.5;
const LIKER = 0.05;
/** Of an a′ of a's size, what they have where a is not where it was. */
const UNLIKE = 0.3;
/** Places whose slopes agree as well but for so much. */
const TIE = 0.01;
/** Scales and shapes that differ by less are the same. */
const SAME = 0.02;

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

function scaled(image: RgbaImage, scale: number): RgbaImage {
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
  return shrink(image, width, height);
}

/** How like a stretched over a′ is to it. */
function stretchedLikeness(a: RgbaImage, a2: RgbaImage, smaller: typeof shrink): number {
  const { width, height } = fitWithin(a2.width, a2.height, FINE);
  const [one, other] = [a2, a].map((image) => levelsOf(smaller(image, width, height), 2));
  return Math.max(...one.map((slopes, level) => likeness(slopes, other[level], 0, 0, FEW_PLACES)));
}

/** The share of the longer of two lengths, one from `start` of the other, that both have. */
function commonOf(length: number, of: number, start: number): number {
  return (Math.min(length, start + of) - Math.max(0, start)) / Math.max(length, of);
}

/** Where a lies in a′; undefined where it is stretched over all of it, or not to be seen. */
export function findFrame(a: RgbaImage, a2: RgbaImage): Found | undefined {
  if (isSized(a, a2)) {
    // Of nearly every pair: what it takes must not depend on the size.
    const like = stretchedLikeness(a, a2, thin);
    return like < UNLIKE ? findScaled(a, a2, LIKE) : undefined;
  }
  const ratios = [a2.width / a.width, a2.height / a.height];
  const alike = (one: number, other: number): boolean => Math.abs(Math.log(one / other)) < SAME;
  // As it is; or exported at another size after one axis was cut or added to.
  const scales = alike(ratios[0], ratios[1]) ? [1] : [1, ...ratios.filter((ratio) => !alike(ratio, 1))];
  const needed = Math.max(LIKE, stretchedLikeness(a, a2, shrink) + LIKER);
  if (needed > 1) return undefined;
  for (const scale of scales) {
    if (alike(ratios[0], scale) && alike(ratios[1], scale)) continue;
    const own = scaled(a, Math.min(1, scale));
    const edited = scaled(a2, Math.min(1, 1 / scale));
    const { like, left, top } = searched(edited, own);
    const common = Math.min(
      commonOf(edited.width, own.width, left),
      commonOf(edited.height, own.height, top),
    );
    if (like < needed || common < SHARED) continue;
    const larger = Math.max(1, scale);
    return rescaled(a, a2, { scale, left: Math.round(left * larger), top: Math.round(top * larger) });
  }
  return findScaled(a, a2, needed);
}
