/** Finds all of a within an a′ at whatever scale, as a card lies on its background (docs/architecture.md, "Frame"). */
import { KNOWN_TO, type Found } from './frame';
import { fitWithin, shrink } from './image/resize';
import type { RgbaImage } from './protocol';
import { levelsOf, likeness, startsOf } from './slopes';

/** The longer side of a′ as it is looked at, at first. */
const FIRST = 64;
/** The smallest scale, for the largest, and what of each scale that is tried at first is the next. */
const SMALLEST = 0.25;
const NEXT = 0.97;
/** How many are looked at more closely, and by what share scales beside them differ then; half as much each time. */
const CHOSEN = 6;
const BESIDE = 0.015;
/** What is as like as this at a likely scale is at that; else as many are tried to either side, at first at this size, */
const SURE = 0.8;
const NEAR = 4;
const NEAR_FIRST = 256;
/** and has to be more like by so much. */
const LIKER = 0.05;
/** What is less like than is needed by more than this is no likelier of more pixels. */
const HOPELESS = 0.1;
/** Pixels that a place is judged by. */
const PIXELS = 2000;

interface Place extends Found {
  /** The correlation of slopes. */
  readonly like: number;
}

/** Looks for a at a scale, near to a place if one is given. */
type Look = (scale: number, near?: Found) => Place;

/** One in an a′ whose longer side is `side`. */
function lookerAt(a: RgbaImage, a2: RgbaImage, side: number): Look {
  const size = fitWithin(a2.width, a2.height, side);
  const by = size.width / a2.width;
  const [whole] = levelsOf(shrink(a2, size.width, size.height), 1);
  const most = fitWithin(a.width, a.height, 2 * side);
  const own = shrink(a, most.width, most.height);
  return (scale, near) => {
    const [width, height] = [a.width, a.height].map((length) => Math.max(1, Math.round(length * scale * by)));
    const [part] = levelsOf(shrink(own, width, height), 1);
    // Beside a scale is one about the same middle.
    const start = (place: number, length: number, other: number): number =>
      Math.round((place + ((other - scale) * length) / 2) * by);
    let best: Place = { like: 0, scale, left: 0, top: 0 };
    for (const top of startsOf(whole.height, height, near && start(near.top, a.height, near.scale))) {
      for (const left of startsOf(whole.width, width, near && start(near.left, a.width, near.scale))) {
        const like = likeness(whole, part, left, top, PIXELS);
        if (like > best.like) best = { like, scale, left: Math.round(left / by), top: Math.round(top / by) };
      }
    }
    return best;
  };
}

function bestOf(places: readonly Place[], count: number): Place[] {
  return places.toSorted((one, other) => other.like - one.like).slice(0, count);
}

/**
 * The best near to those that a look found, of ever more pixels, until scales differ by less than half a pixel of a′, or
 * none is as like as `least`.
 */
function closer(
  a: RgbaImage,
  a2: RgbaImage,
  first: { readonly look: Look; readonly places: readonly Place[]; readonly side: number },
  beside: number,
  least: number,
): Place {
  const longest = Math.max(a2.width, a2.height);
  const fits = fitting(a, a2);
  let { look, places, side } = first;
  for (let share = beside; share * longest > 0.5 && places[0].like >= least; share /= 2) {
    const next = Math.min(longest, KNOWN_TO, 2 * side);
    const known = next === side ? places : [];
    if (next > side) look = lookerAt(a, a2, next);
    side = next;
    const tried = places.flatMap((near) =>
      (known.length > 0 ? [1 - share, 1 + share] : [1 - share, 1, 1 + share])
        .map((times) => Math.min(fits, near.scale * times))
        .map((scale) => look(scale, near)),
    );
    places = bestOf([...known, ...tried], Math.ceil(places.length / 2));
  }
  return places[0];
}

/** The largest scale at which all of a is within a′. */
function fitting(a: RgbaImage, a2: RgbaImage): number {
  return Math.min(a2.width / a.width, a2.height / a.height);
}

/** @param needed the least correlation of slopes, 0..1 */
export function findScaled(a: RgbaImage, a2: RgbaImage, needed: number): Found | undefined {
  const side = Math.min(Math.max(a2.width, a2.height), FIRST);
  const look = lookerAt(a, a2, side);
  const count = 1 + Math.floor(Math.log(SMALLEST) / Math.log(NEXT));
  const all = Array.from({ length: count }, (_, k) => look(fitting(a, a2) * NEXT ** k));
  const first = { look, places: bestOf(all, CHOSEN), side };
  const { like, ...found } = closer(a, a2, first, BESIDE, needed - HOPELESS);
  return like >= needed ? found : undefined;
}

/** What was found at a scale that is likely; at one near to it, if a is there much rather. */
export function rescaled(a: RgbaImage, a2: RgbaImage, found: Found): Found {
  const { scale, left, top } = found;
  const longest = Math.max(a2.width, a2.height);
  const fits = fitting(a, a2);
  const within = Math.min(left, top, a2.width - left - scale * a.width, a2.height - top - scale * a.height);
  if (within < 0) return found;
  const { like } = lookerAt(a, a2, Math.min(longest, KNOWN_TO))(scale, found);
  if (like >= SURE) return found;
  const side = Math.min(longest, NEAR_FIRST);
  const look = lookerAt(a, a2, side);
  const near = Array.from({ length: 2 * NEAR + 1 }, (_, k) => scale * (1 + (k - NEAR) * BESIDE))
    .filter((other) => other <= fits)
    .map((other) => look(other, found));
  const first = { look, places: bestOf(near, CHOSEN), side };
  const { like: there, ...other } = closer(a, a2, first, BESIDE / 2, 0);
  return there > like + LIKER ? other : found;
}
