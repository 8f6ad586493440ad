/**
 * Fits a screen to a pair (docs/architecture.md, "Screen"): the two tones of a′ (screen-tones.ts), what repeats in how
 * they are mixed (spectrum.ts), and what they are mixed by (thresholds.ts).
 */
import { SCREEN_TONES, type Cells, type Luma, type Screen } from './compute';
import { middleOfCell } from './reference/cells';
import { luma } from './reference/lookup';
import { SCREEN_KNOTS } from './reference/screen';
import { errorOf, ofTwo, sharesOf, tonesAgain, twoTones, type Tones } from './screen-tones';
import { valueAt } from './select';
import { frequenciesOf, type Frequency } from './spectrum';
import { drawn, fitShare, splinesOf, type Channel, type Splines } from './thresholds';

/** A share this near to 0 or 1 may be anything beyond it: at least, and where there is noise at most. */
const FULL = [0.03, 0.2] as const;
/** Noise: times the median of what is off. */
const NOISE = 3;
/** What thresholds cost that bend; between cells each is for itself. */
const BENDS = 1e-4 / SCREEN_KNOTS;
const BENDS_OF_CELLS = 1e-6 / SCREEN_KNOTS;
const ROUNDS = 3;
/** Of what a screen may leave, the most after a round. */
const HOPELESS = 2;
/** The most that a screen that repeats may leave of what one that does not leaves. */
const REPEATED = 0.5;
/** Squared share: where a threshold alone leaves no more, nothing that repeats is looked for. */
const SETTLED = 1e-3;
/** Cells, or a picture's own pixels, of a dither. */
const PERIODS = [4, 8] as const;
/** How near to a whole number of pixels a period is taken for one, of itself. */
const WHOLE = 0.02;
const EACH_TONE = Array.from({ length: SCREEN_TONES }, (_, k) => k);

/** A square of a picture's pixels. */
export interface Sampled {
  readonly side: number;
  /** Planes `[3, side, side]`. */
  readonly a: Float32Array;
  readonly a2: Float32Array;
  /** The four blurs of a at the same places, `[3, side, side]` each; not read in cells. */
  readonly soft: readonly Float32Array[];
  /** Where the square is, in parts of the picture. */
  readonly span: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  /** What a is the means of. */
  readonly cells: Cells | undefined;
  /** Whether these are all pixels there are in the square: then a dither may be of them. */
  readonly whole?: boolean;
}

/** Where the pixels of a square are, columns and rows, as a screen sees it: in cells, in their middles. */
function placesOf({ side, span, cells }: Sampled): readonly [Float64Array, Float64Array] {
  const along = (axis: 0 | 1, first: number, length: number): Float64Array =>
    Float64Array.from({ length: side }, (_, i) => {
      const place = first + (length * (i + 0.5)) / side;
      return cells === undefined ? place : middleOfCell(cells, axis, place);
    });
  return [along(0, span.left, span.width), along(1, span.top, span.height)];
}

/** Pixels that are at one place, such as a cell's, taken together. */
interface Together {
  /** Along x and along y. */
  readonly places: readonly [Float64Array, Float64Array];
  /** Means over the pixels at each place, of `[k, side, side]`. */
  means(planes: Float64Array): Float64Array;
  /** The same value for all pixels at a place. */
  spread(values: Float64Array): Float64Array;
}

function together([x, y]: readonly [Float64Array, Float64Array]): Together {
  const along = (places: Float64Array): { readonly unique: Float64Array; readonly of: number[] } => {
    const unique = [...new Set(places)];
    const index = new Map(unique.map((place, i) => [place, i]));
    return { unique: Float64Array.from(unique), of: Array.from(places, (place) => index.get(place) ?? 0) };
  };
  const [across, down] = [along(x), along(y)];
  const count = across.unique.length * down.unique.length;
  const of = Uint32Array.from({ length: x.length * y.length }, (_, i) => {
    return down.of[Math.floor(i / x.length)] * across.unique.length + across.of[i % x.length];
  });
  const pixels = new Uint32Array(count);
  for (const place of of) pixels[place]++;
  return {
    places: [across.unique, down.unique],
    means(planes) {
      const out = new Float64Array((planes.length / of.length) * count);
      for (let i = 0; i < planes.length; i++) {
        const place = of[i % of.length];
        out[Math.floor(i / of.length) * count + place] += planes[i] / pixels[place];
      }
      return out;
    },
    spread: (values) => Float64Array.from(of, (place) => values[place]),
  };
}

/** What a screen's tones are made of, `[5, P]` for each share; in cells the pixel alone, since a cell has one share. */
function tonesOf({ a, soft, cells }: Sampled, kind: Screen['kind'], of: Luma | undefined): Float64Array[] {
  const count = a.length / 3;
  const sources = cells === undefined ? [a, ...soft] : [a];
  return Array.from({ length: kind === 'screen' ? 1 : 3 }, (_, c) => {
    const tones = new Float64Array(SCREEN_TONES * count);
    sources.forEach((planes, k) => {
      for (let i = 0; i < count; i++)
        tones[k * count + i] =
          kind === 'screen'
            ? luma(planes[i], planes[count + i], planes[2 * count + i], of)
            : planes[c * count + i];
    });
    return tones;
  });
}

/** A frequency in cycles a side, or that of a whole number of pixels if it is nearly that. */
function wholePeriod(frequency: number, side: number): number {
  const period = side / frequency;
  const near = Math.round(period);
  return Math.abs(period - near) <= WHOLE * Math.abs(period) ? side / near : frequency;
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function screenOf(
  kind: Screen['kind'],
  of: Luma,
  [dark, light]: Tones,
  channels: readonly Channel[],
): Screen {
  const lattice = new Float32Array(4 * 3);
  const gains = new Float32Array(SCREEN_TONES * 3);
  const thresholds = new Float32Array(SCREEN_KNOTS * 3);
  for (let c = 0; c < 3; c++) {
    const channel = channels[c % channels.length];
    channel.lattice.flat().forEach((value, k) => (lattice[3 * k + c] = value));
    channel.gains.forEach((value, k) => (gains[3 * k + c] = value));
    channel.thresholds.forEach((value, k) => (thresholds[3 * k + c] = value));
  }
  return { kind, luma: of, dark: [...dark], light: [...light], lattice, gains, thresholds };
}

/** The mean squared error that a screen leaves of a square of a pair. */
export function errorOfScreen(
  sampled: Sampled,
  { kind, luma: of, dark, light, lattice, gains, thresholds }: Screen,
): number {
  const places = placesOf(sampled);
  const column = (of: Float32Array, c: number): Float64Array =>
    Float64Array.from({ length: of.length / 3 }, (_, k) => of[3 * k + c]);
  const shares = tonesOf(sampled, kind, of).map((tones, c) => {
    const [x0, y0, x1, y1] = column(lattice, c);
    const frequencies: Frequency[] = x0 === 0 && y0 === 0 ? [] : [[x0, y0], [x1, y1]]; // prettier-ignore
    const channel = { gains: column(gains, c), thresholds: column(thresholds, c) };
    return drawn(channel, tones, splinesOf(places, frequencies));
  });
  return errorOf(sampled.a2, shares, [Float64Array.from(dark), Float64Array.from(light)]);
}

export interface FoundScreen {
  readonly score: number;
  readonly screen: Screen;
}

/** The best screen of a square of a pair and its mean squared error, or undefined where that is above `bound`. */
export function fitScreen(sampled: Sampled, of: Luma, bound: number): FoundScreen | undefined {
  const tones = twoTones(sampled.a2, 'screen');
  const one = tones && fitKind('screen', sampled, of, tones, bound);
  // In a square of few colours a screen of each channel looks like one of all.
  const most = one === undefined ? bound : REPEATED * one.score;
  if (tones !== undefined && (sampled.whole !== true || most < SETTLED)) return one;
  const each = twoTones(sampled.a2, 'screens');
  const found = each && fitKind('screens', sampled, of, each, most);
  // Without dots three thresholds are free enough to be like anything.
  const dotted = tones === undefined || found?.screen.lattice.some((frequency) => frequency !== 0) === true;
  return dotted ? (found ?? one) : one;
}

/** What may repeat in a square, each two frequencies in cycles a picture: of the first that will do the most is known. */
function latticesOf({ side, span, cells, whole }: Sampled, share: Float64Array): Frequency[][] {
  const dithers = ([across, down]: readonly [number, number]): Frequency[][] =>
    PERIODS.map((period) => [
      [1 / (period * across), 0],
      [0, 1 / (period * down)],
    ]);
  if (cells !== undefined) return dithers(cells.pitch);
  const found = frequenciesOf(
    share.map((value) => Math.min(1, Math.max(0, value))),
    side,
  );
  if (found.length === 0) return whole === true ? dithers([span.width / side, span.height / side]) : [];
  const inPicture = (frequencies: readonly Frequency[]): Frequency[] =>
    frequencies.map(([x, y]) => [x / span.width, y / span.height]);
  if (whole !== true) return [inPicture(found)];
  // Programs repeat by whole pixels, which a spectrum does not say exactly.
  const exact = found.map(([x, y]): Frequency => [wholePeriod(x, side), wholePeriod(y, side)]);
  return [inPicture(exact), inPicture(found)];
}

function fitKind(
  kind: Screen['kind'],
  sampled: Sampled,
  of: Luma,
  first: Tones,
  bound: number,
): FoundScreen | undefined {
  const { a2, side, cells } = sampled;
  let tones = first;
  let shares = sharesOf(a2, tones, kind);
  if (!ofTwo(shares)) return undefined;

  const { places, means, spread } = together(placesOf(sampled));
  const sources = tonesOf(sampled, kind, of).map(means);
  // Where cells are dithered, all channels are alike.
  const groups = cells === undefined ? shares.map((_, c) => [c]) : [shares.map((_, c) => c)];
  const tried = groups.map(([first]) =>
    [[], ...latticesOf(sampled, shares[first])].map((frequencies) => splinesOf(places, frequencies)),
  );
  const toneOf = (c: number, k: number): Float64Array =>
    sources[c].subarray((k * sources[c].length) / SCREEN_TONES, ((k + 1) * sources[c].length) / SCREEN_TONES);

  const bends = cells === undefined ? BENDS : BENDS_OF_CELLS;
  let nearFull: number = FULL[1];
  let before: readonly Channel[] = [];
  let best: FoundScreen | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const channels: Channel[] = [];
    const made: Float64Array[] = [];
    const few = shares.map(means);
    for (const [g, members] of groups.entries()) {
      const share = joined(members.map((c) => few[c]));
      const ownTones = joined(EACH_TONE.flatMap((k) => members.map((c) => toneOf(c, k))));
      // The first that leaves much less than those before it; after the first round it is settled which that is.
      let chosen: { way: Splines; channel: Channel } | undefined;
      for (const way of tried[g]) {
        const channel = fitShare(share, ownTones, way, nearFull, bends, before[members[0]]);
        if (channel !== undefined && channel.error <= REPEATED * (chosen?.channel.error ?? Infinity))
          chosen = { way, channel };
        if (chosen !== undefined && chosen.channel.error <= SETTLED) break;
      }
      if (chosen === undefined) return undefined;
      tried[g] = [chosen.way];
      for (const c of members) {
        channels[c] = chosen.channel;
        made[c] = spread(drawn(chosen.channel, sources[c], chosen.way));
      }
    }
    before = channels;
    tones = tonesAgain(a2, made);
    shares = sharesOf(a2, tones, kind);
    best = { score: errorOf(a2, made, tones), screen: screenOf(kind, of, tones, channels) };
    if (best.score > HOPELESS * bound || !ofTwo(shares)) return undefined;
    // Most of what is off is noise, such as a JPEG has.
    const off = new Float64Array(shares.length * side * side);
    shares.forEach((share, c) =>
      share.forEach((value, i) => (off[c * side * side + i] = Math.abs(value - made[c][i]))),
    );
    nearFull = Math.min(Math.max(NOISE * valueAt(off, off.length >> 1), FULL[0]), FULL[1]);
  }
  return best !== undefined && best.score <= bound ? best : undefined;
}
