/**
 * The anchor's filters (docs/architecture.md, "Filters"): what is around a pixel in the picture's own pixels, sixteen
 * responses in 0..1, and the sum of what a table makes of each.
 */
import { FILTER_KINDS, LOOKUP_KNOTS, type FilterLookup, type Lookup, type Luma } from '../compute';
import { sampledRow, type Row } from './features';
import { gaussianTaps } from './fields';
import { luma, LUMAS } from './lookup';
import { clampIndex, type Source } from './source';

type Planes = Row['colours'];

export const FILTERS = 16;
export const FILTER_KNOTS = LOOKUP_KNOTS / FILTERS;
/** Pixels around one that are looked at. */
export const FILTER_RADIUS = 4;
const SIDE = 2 * FILTER_RADIUS + 1;
/** Of the Gaussians, in pixels; they end at three pixels, so that their differences end at four. */
const SIGMAS = [1, 2] as const;
/** Of the discs over which the greatest and the least are taken. */
const RADII = [1, 2, 3, 4] as const;
/** A difference, and a gradient, of this much is half way to the last knot. */
const BEND = 0.1;
const STEEP = 0.05;
/** The blurs that a pixel is compared with beyond that, in 1/256 of the picture. */
export const WIDE = [2, 8] as const;
/** Filters of the pixels around; those of `WIDE` come after. */
const NEAR = FILTERS - WIDE.length;
const LAST = FILTER_KNOTS - 1;

export function isFilters(lookup: Lookup): lookup is FilterLookup {
  return FILTER_KINDS.some((kind) => kind === lookup.kind);
}

/** A Gaussian's taps −4..4. */
function gaussian(sigma: number): Float64Array {
  const inner = gaussianTaps(sigma).subarray(Math.ceil(3 * sigma) - 3, Math.ceil(3 * sigma) + 4);
  const sum = inner.reduce((total, tap) => total + tap, 0);
  return Float64Array.from({ length: SIDE }, (_, k) => (k === 0 || k === SIDE - 1 ? 0 : inner[k - 1] / sum));
}
const GAUSSIANS = SIGMAS.map(gaussian);

/** How far a disc goes along a row that is so many below its middle; −1: not at all. */
function halfWidth(radius: number, down: number): number {
  const square = radius * radius + 0.5 - down * down;
  return square < 0 ? -1 : Math.floor(Math.sqrt(square));
}

/**
 * For the kernels, nine rows of four and five: at offset −4..4 a pixel's share of either Gaussian and of its difference
 * of neighbours, half of it; then at 0..4 below the middle how far each disc goes.
 */
export function filterTaps(): readonly (readonly number[])[] {
  const half = (taps: Float64Array, k: number): number => ((taps[k - 1] ?? 0) - (taps[k + 1] ?? 0)) / 2;
  return [
    ...Array.from({ length: SIDE }, (_, k) => GAUSSIANS.flatMap((taps) => [taps[k], half(taps, k)])),
    ...Array.from({ length: FILTER_RADIUS + 1 }, (_, down) => RADII.map((radius) => halfWidth(radius, down))),
  ];
}

/** A row of pixels of one channel, with its edges repeated, and what is made of it alone. */
interface Line {
  readonly y: number;
  readonly values: Float32Array;
  /** The greatest and the least of 1, 3, 5, 7 and 9 pixels. */
  readonly most: readonly Float32Array[];
  readonly least: readonly Float32Array[];
  /** Both Gaussians along the row; these and what is made of them go one pixel further on both sides. */
  readonly soft: readonly Float32Array[];
}

function bent(difference: number): number {
  return 0.5 + (0.5 * difference) / (Math.abs(difference) + BEND);
}

/** A ring of what belongs to a row, made when it is asked for; `length` of them at once. */
function ring<T extends { readonly y: number }>(length: number, make: (y: number) => T): (y: number) => T {
  const held = new Array<T | undefined>(length);
  return (y) => {
    const place = ((y % length) + length) % length;
    const was = held[place];
    if (was?.y === y) return was;
    return (held[place] = make(y));
  };
}

/** The responses of a row of pixels, `[16, width]`, by its number from the top and the blurs of `WIDE` along it. */
export type FilterBank = (y: number, blurs: readonly Float32Array[]) => readonly Float32Array[];

/**
 * Of a channel of `width` × `height` pixels, of which `read` fills a row. What a bank returns is written anew by the next
 * call.
 */
export function filterBank(
  width: number,
  height: number,
  read: (y: number, out: Float32Array) => void,
): FilterBank {
  const padded = width + 2 * FILTER_RADIUS;

  function lineAt(y: number): Line {
    const values = new Float32Array(padded);
    read(clampIndex(y, height), values.subarray(FILTER_RADIUS, FILTER_RADIUS + width));
    values.fill(values[FILTER_RADIUS], 0, FILTER_RADIUS);
    values.fill(values[FILTER_RADIUS + width - 1], FILTER_RADIUS + width);
    const most = [values.subarray(FILTER_RADIUS, FILTER_RADIUS + width)];
    const least = [most[0]];
    for (const reach of RADII) {
      const [more, less] = [new Float32Array(width), new Float32Array(width)];
      const [m, l] = [most[reach - 1], least[reach - 1]];
      for (let x = 0; x < width; x++) {
        const before = values[x + FILTER_RADIUS - reach];
        const after = values[x + FILTER_RADIUS + reach];
        const high = before > after ? before : after;
        const low = before > after ? after : before;
        more[x] = m[x] > high ? m[x] : high;
        less[x] = l[x] < low ? l[x] : low;
      }
      most.push(more);
      least.push(less);
    }
    const soft = GAUSSIANS.map((taps) => {
      const out = new Float32Array(width + 2);
      const [t0, t1, t2, t3] = taps.subarray(FILTER_RADIUS);
      for (let x = 0; x < width + 2; x++) {
        const m = x + FILTER_RADIUS - 1;
        out[x] =
          t0 * values[m] +
          t1 * (values[m - 1] + values[m + 1]) +
          t2 * (values[m - 2] + values[m + 2]) +
          t3 * (values[m - 3] + values[m + 3]);
      }
      return out;
    });
    return { y, values, most, least, soft };
  }
  const lines = ring(SIDE, lineAt);

  /** Both Gaussians both ways, one pixel further on both sides. */
  function softAt(y: number): { readonly y: number; readonly blurs: readonly Float32Array[] } {
    const rows = Array.from({ length: 7 }, (_, k) => lines(y + k - 3));
    const blurs = GAUSSIANS.map((taps, s) => {
      const out = new Float32Array(width + 2);
      const [t0, t1, t2, t3] = taps.subarray(FILTER_RADIUS);
      const [a, b, c, d, e, f, g] = rows.map(({ soft }) => soft[s]);
      for (let x = 0; x < width + 2; x++)
        out[x] = t0 * d[x] + t1 * (c[x] + e[x]) + t2 * (b[x] + f[x]) + t3 * (a[x] + g[x]);
      return out;
    });
    return { y, blurs };
  }
  const softs = ring(3, softAt);

  const out = Array.from({ length: FILTERS }, () => new Float32Array(width));

  function steepness(
    above: Float32Array,
    middle: Float32Array,
    below: Float32Array,
    from: number,
    to: Float32Array,
  ): void {
    for (let x = 0; x < width; x++) {
      const across = middle[x + from + 1] - middle[x + from - 1];
      const down = below[x + from] - above[x + from];
      const steep = 0.5 * Math.sqrt(across * across + down * down);
      to[x] = steep / (steep + STEEP);
    }
  }

  return (y, blurs) => {
    // In this order, since a ring holds no more than is asked for together.
    const [above, here, below] = [softs(y - 1), softs(y), softs(y + 1)].map(({ blurs }) => blurs);
    const rows = Array.from({ length: SIDE }, (_, k) => lines(y + k - FILTER_RADIUS));
    const { values } = rows[FILTER_RADIUS];
    const [value, fine, coarse] = out;
    const [soft, softer] = here;
    for (let x = 0; x < width; x++) {
      value[x] = values[x + FILTER_RADIUS];
      fine[x] = bent(value[x] - soft[x + 1]);
      coarse[x] = bent(soft[x + 1] - softer[x + 1]);
    }
    const [before, after] = [rows[FILTER_RADIUS - 1].values, rows[FILTER_RADIUS + 1].values];
    steepness(before, values, after, FILTER_RADIUS, out[3]);
    for (let s = 0; s < SIGMAS.length; s++) steepness(above[s], here[s], below[s], 1, out[4 + s]);
    RADII.forEach((radius, k) => {
      const [more, less] = [out[6 + 2 * k], out[7 + 2 * k]];
      more.set(rows[FILTER_RADIUS].most[radius]);
      less.set(rows[FILTER_RADIUS].least[radius]);
      for (let down = 1; down <= radius; down++) {
        const reach = halfWidth(radius, down);
        for (const row of [rows[FILTER_RADIUS - down], rows[FILTER_RADIUS + down]]) {
          const [m, l] = [row.most[reach], row.least[reach]];
          for (let x = 0; x < width; x++) {
            if (m[x] > more[x]) more[x] = m[x];
            if (l[x] < less[x]) less[x] = l[x];
          }
        }
      }
    });
    blurs.forEach((blur, k) => {
      const compared = out[NEAR + k];
      for (let x = 0; x < width; x++) compared[x] = bent(value[x] - blur[x]);
    });
    return out;
  };
}

/** A channel of planes `[3, …]`, or their luma. */
export function planeOf(planes: Float32Array, channel: number, of: Luma | undefined): Float32Array {
  const plane = planes.length / 3;
  if (of === undefined) return planes.subarray(channel * plane, (channel + 1) * plane);
  return Float32Array.from({ length: plane }, (_, i) =>
    luma(planes[i], planes[plane + i], planes[2 * plane + i], of),
  );
}

/** Adds what one filter's table, of 16 knots, makes of its responses, which are 0..1 but for rounding. */
function addTable(table: Float32Array, response: Float32Array, to: Float32Array): void {
  for (let x = 0; x < to.length; x++) {
    const position = response[x] * LAST;
    const below = Math.floor(position);
    const low = below < 0 ? 0 : below >= LAST ? LAST - 1 : below;
    const here = table[low];
    to[x] += here + (table[low + 1] - here) * (position - low);
  }
}

/** The tables of each channel, one filter's after the other's. */
function tablesOf(table: Float32Array): readonly Float32Array[] {
  return [0, 1, 2].map((c) => Float32Array.from({ length: LOOKUP_KNOTS }, (_, knot) => table[3 * knot + c]));
}

/**
 * clamp(Σ T_k(x_k)) by rows of a source, into three planes. `wide` are the blurs of the prepared picture that `WIDE`
 * says, `[3, S, S]` each.
 */
export function filterRows(
  source: Source,
  { kind, luma: ofKind = LUMAS[0], table }: FilterLookup,
  wide: readonly Float32Array[],
  size: number,
): (row: Row, out: Planes) => void {
  const { width, height } = source;
  const of = kind === 'filters of luma' ? ofKind : undefined;
  const colours = new Float32Array(3 * width);
  const line = (c: number, y: number, out: Float32Array): void =>
    source.line(c, [0.5 / width, (y + 0.5) / height], [1 / width, 0], width, out);
  const banks = (of === undefined ? [0, 1, 2] : [0]).map((channel) => ({
    bank: filterBank(width, height, (y, out) => {
      if (of === undefined) return line(channel, y, out);
      for (let c = 0; c < 3; c++) line(c, y, colours.subarray(c * width, (c + 1) * width));
      out.set(planeOf(colours, channel, of));
    }),
    planes: wide.map((blur) => planeOf(blur, channel, of)),
    channels: of === undefined ? [channel] : [0, 1, 2],
  }));
  const tables = tablesOf(table);
  const blurs = wide.map(() => new Float32Array(width));
  const sum = new Float32Array(width);
  return (row, out) => {
    const y = clampIndex(Math.floor(row.v * height), height);
    for (const { bank, planes, channels } of banks) {
      planes.forEach((plane, k) => sampledRow(plane, size, { width, v: row.v }, blurs[k]));
      const responses = bank(y, blurs);
      for (const c of channels) {
        sum.fill(0);
        responses.forEach((response, k) =>
          addTable(tables[c].subarray(k * FILTER_KNOTS, (k + 1) * FILTER_KNOTS), response, sum),
        );
        for (let x = 0; x < row.width; x++) {
          const from =
            row.width === width ? x : clampIndex(Math.floor(((x + 0.5) / row.width) * width), width);
          out[c][x] = Math.min(1, Math.max(0, sum[from]));
        }
      }
    }
  };
}
