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
/** Pixels that a place is judged by. */
const PIXELS = 2000;

interface Place extends Found {
  /** The correlation of slopes. */
  readonly like: number;
}

/** Looks for a at a scale in an a′ whose longer side is `side`, near to a place if one is given. */
function lookerAt(a: RgbaImage, a2: RgbaImage, side: number): (scale: number, near?: Found) => Place {
  const shrunk = (image: RgbaImage, width: number, height: number): RgbaImage =>
    width === image.width && height === image.height ? image : shrink(image, width, height);
  const size = fitWithin(a2.width, a2.height, side);
  const by = size.width / a2.width;
  const [whole] = levelsOf(shrunk(a2, size.width, size.height), 1);
  const most = fitWithin(a.width, a.height, 2 * side);
  const own = shrunk(a, most.width, most.height);
  return (scale, near) => {
    const [width, height] = [a.width, a.height].map((length) => Math.max(1, Math.round(length * scale * by)));
    const [part] = levelsOf(shrunk(own, width, height), 1);
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

/** @param needed the least correlation of slopes, 0..1 */
export function findScaled(a: RgbaImage, a2: RgbaImage, needed: number): Found | undefined {
  const longest = Math.max(a2.width, a2.height);
  const fits = Math.min(a2.width / a.width, a2.height / a.height);
  const best = (places: Place[], count: number): Place[] =>
    places.sort((one, other) => other.like - one.like).slice(0, count);

  let side = Math.min(longest, FIRST);
  let look = lookerAt(a, a2, side);
  const count = 1 + Math.floor(Math.log(SMALLEST) / Math.log(NEXT));
  let places = best(
    Array.from({ length: count }, (_, k) => look(fits * NEXT ** k)),
    CHOSEN,
  );
  // Until scales differ by less than half a pixel of a′.
  for (let beside = BESIDE; beside * longest > 0.5; beside /= 2) {
    const closer = Math.min(longest, KNOWN_TO, 2 * side);
    const known = closer === side ? places : [];
    if (closer > side) look = lookerAt(a, a2, closer);
    side = closer;
    const tried = places.flatMap((near) =>
      (known.length > 0 ? [1 - beside, 1 + beside] : [1 - beside, 1, 1 + beside])
        .map((share) => Math.min(fits, near.scale * share))
        .map((scale) => look(scale, near)),
    );
    places = best([...known, ...tried], Math.ceil(places.length / 2));
  }
  const [{ like, ...found }] = places;
  return like >= needed ? found : undefined;
}
