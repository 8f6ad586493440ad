/** The anchor's hue lookup: what a unit of chroma does to a colour, by its hue and lightness. */
import { HUES, LIGHTS, type HueLookup, type Lookup } from '../compute';
import type { Row } from './features';

const LAST = LIGHTS - 1;

export function isHue(lookup: Lookup): lookup is HueLookup {
  return lookup.kind === 'hue';
}

/** Where a colour lies in the table: between the lightnesses of two hues. */
export interface HuePlace {
  chroma: number;
  /** The knots of the hue before and of the one after, at the lightness below; the one above is the next. */
  before: number;
  after: number;
  /** How far from the hue before to the one after, and from the lightness below to the one above, 0..1. */
  hue: number;
  light: number;
}

export function noPlace(): HuePlace {
  return { chroma: 0, before: 0, after: 0, hue: 0, light: 0 };
}

/** Writes the place of a colour of 0..1. Hue is that of HSV, the lightness that of HSL; the hue of greys is 0. */
export function hueAt(r: number, g: number, b: number, place: HuePlace): void {
  const most = Math.max(r, g, b);
  const least = Math.min(r, g, b);
  const chroma = most - least;
  let sixth = 0;
  if (chroma > 0) {
    if (most === r) sixth = (g - b) / chroma;
    else if (most === g) sixth = 2 + (b - r) / chroma;
    else sixth = 4 + (r - g) / chroma;
    if (sixth < 0) sixth += 6;
  }
  const hue = sixth * (HUES / 6);
  const light = (most + least) * (LAST / 2);
  const before = Math.min(HUES - 1, Math.floor(hue));
  const below = Math.min(LAST - 1, Math.floor(light));
  place.chroma = chroma;
  place.before = before * LIGHTS + below;
  place.after = ((before + 1) % HUES) * LIGHTS + below;
  place.hue = hue - before;
  place.light = light - below;
}

/** Adds chroma times the table to a row of colours, in the three planes of `out`. */
export function addHues([r, g, b]: Row['colours'], { table }: HueLookup, out: Row['colours']): void {
  const place = noPlace();
  for (let x = 0; x < out[0].length; x++) {
    hueAt(r[x], g[x], b[x], place);
    if (place.chroma === 0) continue;
    for (let c = 0; c < 3; c++) {
      const near = 3 * place.before + c;
      const far = 3 * place.after + c;
      const before = table[near] + place.light * (table[near + 3] - table[near]);
      const after = table[far] + place.light * (table[far + 3] - table[far]);
      out[c][x] += place.chroma * (before + place.hue * (after - before));
    }
  }
}
