/**
 * Fits the anchor's filters (docs/architecture.md, "Filters"): for each of sixteen responses of the pixels around one a
 * table of 16 knots, all at once by penalised least squares, held to account in other parts of the picture.
 */
import { cornersIn, overWhite } from '../image/planes';
import type { RgbaImage } from '../protocol';
import { solveCholesky } from './cholesky';
import { FILTER_KINDS, LOOKUP_KNOTS, type FilterKind, type FilterLookup, type Luma } from './compute';
import { blurOf, FIELDS } from './reference/fields';
import { filterBank, FILTER_KNOTS, FILTER_RADIUS, FILTERS, planeOf, WIDE } from './reference/filters';
import { sampledIn } from './reference/source';

/** Squares of a pair that are looked at: so many along an axis, of so many pixels, those around them not counted. */
const PLACES = 6;
const INNER = 32;
const SIDE = INNER + 2 * FILTER_RADIUS;
const FOLDS = 4;
/** What a bend costs, a slope beside it, and a value: filters tell much the same, so one answer has to be preferred. */
const RIDGE = 1e-3;
const SLOPE = 1e-2;
const VALUE = 1e-6;
const LAST = FILTER_KNOTS - 1;

/** A square's pixels, and the blurs that they are compared with: planes `[3, 40, 40]`. */
interface Square {
  readonly own: Float32Array;
  readonly edited: Float32Array;
  readonly wide: readonly Float32Array[];
  readonly fold: number;
}

/** What filters say of all squares' pixels, and what became of these, for tables that share their filters. */
interface Sample {
  /** `[pixels, 16]`: of each filter the knot below its response, among all of them, and how far beyond it that is. */
  readonly knot: Uint8Array;
  readonly beyond: Float32Array;
  /** What tables of a picture that is as it was make: the channel itself, or luma. */
  readonly value: Float32Array;
  /** A column for each table. */
  readonly edited: readonly Float32Array[];
  readonly fold: Uint8Array;
}

/** Normal equations of the tables less the value, the lower half, and their right sides `[256, columns]`. */
interface Sums {
  readonly matrix: Float64Array;
  readonly right: Float64Array;
  pixels: number;
}

/** What bends, slopes and values cost, `[256, 256]`. */
function penalty(): Float64Array {
  const matrix = new Float64Array(LOOKUP_KNOTS ** 2);
  const add = (weight: number, ...terms: readonly (readonly [knot: number, factor: number])[]): void => {
    for (const [i, p] of terms) for (const [j, q] of terms) matrix[i * LOOKUP_KNOTS + j] += weight * p * q;
  };
  for (let knot = 0; knot < LOOKUP_KNOTS; knot++) {
    const place = knot % FILTER_KNOTS;
    add(VALUE, [knot, 1]);
    if (place < LAST) add(RIDGE * SLOPE, [knot, -1], [knot + 1, 1]);
    if (place < LAST - 1) add(RIDGE, [knot, 1], [knot + 1, -2], [knot + 2, 1]);
  }
  return matrix;
}
const PENALTY = penalty();

function squaresOf(a: RgbaImage, a2: RgbaImage, fields: Float32Array): Square[] {
  const size = Math.sqrt(fields.length / FIELDS);
  return cornersIn(a, SIDE, PLACES).map(({ x, y }, k) => {
    const area = { x, y, width: SIDE, height: SIDE };
    const span = { left: x / a.width, top: y / a.height, width: SIDE / a.width, height: SIDE / a.height };
    return {
      own: overWhite(a, area),
      edited: overWhite(a2, area),
      wide: WIDE.map((sigma) => sampledIn(blurOf(fields, size, sigma), size, SIDE, span)),
      fold: ((k % PLACES) + 2 * Math.floor(k / PLACES)) % FOLDS,
    };
  });
}

/** Of the tables of one channel, or of all three by luma. */
function sampleOf(squares: readonly Square[], channel: number, luma: Luma | undefined): Sample {
  const columns = luma === undefined ? [channel] : [0, 1, 2];
  const pixels = squares.length * INNER * INNER;
  const sample: Sample = {
    knot: new Uint8Array(pixels * FILTERS),
    beyond: new Float32Array(pixels * FILTERS),
    value: new Float32Array(pixels),
    edited: columns.map(() => new Float32Array(pixels)),
    fold: new Uint8Array(pixels),
  };
  let p = 0;
  for (const { own, edited, wide, fold } of squares) {
    const plane = planeOf(own, channel, luma);
    const blurs = wide.map((planes) => planeOf(planes, channel, luma));
    const rowOf = (of: Float32Array, y: number): Float32Array => of.subarray(y * SIDE, (y + 1) * SIDE);
    const bank = filterBank(SIDE, SIDE, (y, out) => out.set(rowOf(plane, y)));
    for (let y = FILTER_RADIUS; y < SIDE - FILTER_RADIUS; y++) {
      const responses = bank(
        y,
        blurs.map((blur) => rowOf(blur, y)),
      );
      for (let x = FILTER_RADIUS; x < SIDE - FILTER_RADIUS; x++, p++) {
        responses.forEach((response, k) => {
          const position = Math.min(1, Math.max(0, response[x])) * LAST;
          const low = Math.min(LAST - 1, Math.floor(position));
          sample.knot[p * FILTERS + k] = k * FILTER_KNOTS + low;
          sample.beyond[p * FILTERS + k] = position - low;
        });
        sample.value[p] = responses[0][x];
        sample.fold[p] = fold;
        columns.forEach((c, i) => (sample.edited[i][p] = edited[(c * SIDE + y) * SIDE + x]));
      }
    }
  }
  return sample;
}

function sumsOf({ knot, beyond, value, edited, fold }: Sample): Sums[] {
  const columns = edited.length;
  const sums = Array.from({ length: FOLDS }, () => ({
    matrix: new Float64Array(LOOKUP_KNOTS ** 2),
    right: new Float64Array(LOOKUP_KNOTS * columns),
    pixels: 0,
  }));
  for (let p = 0; p < value.length; p++) {
    const { matrix, right } = sums[fold[p]];
    sums[fold[p]].pixels++;
    for (let k = p * FILTERS, end = k + FILTERS, first = k; k < end; k++) {
      const [high, from] = [beyond[k], knot[k]];
      const low = 1 - high;
      const [row, next] = [from * LOOKUP_KNOTS, (from + 1) * LOOKUP_KNOTS];
      for (let n = first; n < k; n++) {
        const [its, to] = [beyond[n], knot[n]];
        matrix[row + to] += low * (1 - its);
        matrix[row + to + 1] += low * its;
        matrix[next + to] += high * (1 - its);
        matrix[next + to + 1] += high * its;
      }
      matrix[row + from] += low * low;
      matrix[next + from] += low * high;
      matrix[next + from + 1] += high * high;
      for (let c = 0; c < columns; c++) {
        const y = edited[c][p] - value[p];
        right[from * columns + c] += low * y;
        right[(from + 1) * columns + c] += high * y;
      }
    }
  }
  return sums;
}

/** Tables less the value, `[256, columns]`, of some parts. */
function solved(parts: readonly Sums[], columns: number): Float64Array | undefined {
  const over = 1 / parts.reduce((sum, { pixels }) => sum + pixels, 0);
  const matrix = PENALTY.slice();
  const right = new Float64Array(LOOKUP_KNOTS * columns);
  for (const part of parts) {
    // The lower half is all that is read.
    for (let i = 0; i < matrix.length; i++) matrix[i] += over * part.matrix[i];
    for (let i = 0; i < right.length; i++) right[i] += over * part.right[i];
  }
  return solveCholesky(matrix, right, LOOKUP_KNOTS, columns);
}

/** Squared errors, summed: of pixels, and of means of `block` × `block` of them. */
interface Errors {
  pixels: number;
  means: number;
  blocks: number;
}

function noErrors(): Errors {
  return { pixels: 0, means: 0, blocks: 0 };
}

/** Adds what tables leave of the squares of a fold. */
function addErrors(
  { knot, beyond, value, edited, fold }: Sample,
  tables: Float64Array,
  of: number,
  block: number,
  errors: Errors,
): void {
  const columns = edited.length;
  const off = new Float64Array(INNER * INNER);
  for (let first = 0; first < value.length; first += INNER * INNER) {
    if (fold[first] !== of) continue;
    for (let c = 0; c < columns; c++) {
      for (let i = 0; i < off.length; i++) {
        const p = first + i;
        let made = value[p];
        for (let k = p * FILTERS, end = k + FILTERS; k < end; k++) {
          const at = knot[k] * columns + c;
          made += tables[at] + (tables[at + columns] - tables[at]) * beyond[k];
        }
        off[i] = Math.min(1, Math.max(0, made)) - edited[c][p];
        errors.pixels += off[i] * off[i];
      }
      for (let y = 0; y + block <= INNER; y += block) {
        for (let x = 0; x + block <= INNER; x += block) {
          let sum = 0;
          for (let k = 0; k < block * block; k++)
            sum += off[(y + Math.floor(k / block)) * INNER + x + (k % block)];
          errors.means += (sum / (block * block)) ** 2;
          errors.blocks++;
        }
      }
    }
  }
}

/** The samples of a kind: one that the channels share, or one for each. */
function* samplesOf(kind: FilterKind, squares: readonly Square[], luma: Luma): Generator<Sample> {
  if (kind === 'filters of luma') yield sampleOf(squares, 0, luma);
  else for (const channel of [0, 1, 2]) yield sampleOf(squares, channel, undefined);
}

/** Mean squared error of a kind on the very pixels of one fold that it is fitted to. */
function firstLook(kind: FilterKind, squares: readonly Square[], luma: Luma): number {
  const few = squares.filter(({ fold }) => fold === 0);
  const errors = noErrors();
  for (const sample of samplesOf(kind, few, luma)) {
    const tables = solved(sumsOf(sample).slice(0, 1), sample.edited.length);
    if (tables === undefined) return Infinity;
    addErrors(sample, tables, 0, INNER, errors);
  }
  return errors.pixels / (3 * few.length * INNER * INNER);
}

/** `[16, 16, 3]`, the value with the table of the first filter, which it is the response of. */
function tableOf(tables: readonly Float64Array[]): Float32Array {
  return Float32Array.from({ length: 3 * LOOKUP_KNOTS }, (_, i) => {
    const [knot, c] = [Math.floor(i / 3), i % 3];
    const value = knot < FILTER_KNOTS ? knot / LAST : 0;
    return value + (tables.length === 1 ? tables[0][i] : tables[c][knot]);
  });
}

/**
 * The filters that make a′ of a, of channels or of luma, with the error that they leave in parts of the pair that they
 * were not fitted to; undefined where that is more than `most`. `fields` are the prepared a's, `[18, S, S]`.
 */
export function fitFilters(
  { a, a2 }: { readonly a: RgbaImage; readonly a2: RgbaImage },
  fields: Float32Array,
  luma: Luma,
  most: number,
): { readonly lookup: FilterLookup; readonly score: number; readonly scoreOfMeans: number } | undefined {
  const squares = squaresOf(a, a2, fields);
  const looks = FILTER_KINDS.map((kind) => firstLook(kind, squares, luma));
  const least = Math.min(...looks);
  if (least > most) return undefined;
  const kind = FILTER_KINDS[looks.indexOf(least)];
  const block = Math.min(INNER, Math.round(Math.min(a.width, a.height) / Math.sqrt(fields.length / FIELDS)));
  const errors = noErrors();
  const tables: Float64Array[] = [];
  for (const sample of samplesOf(kind, squares, luma)) {
    const columns = sample.edited.length;
    const sums = sumsOf(sample);
    for (let fold = 0; fold < FOLDS; fold++) {
      const others = sums.filter((_, k) => k !== fold);
      const held = solved(others, columns);
      if (held === undefined) return undefined;
      addErrors(sample, held, fold, block, errors);
    }
    const whole = solved(sums, columns);
    if (whole === undefined) return undefined;
    tables.push(whole);
  }
  const score = errors.pixels / (3 * squares.length * INNER * INNER);
  if (score > most) return undefined;
  return {
    lookup: { kind, luma, table: tableOf(tables) },
    score,
    scoreOfMeans: errors.means / errors.blocks,
  };
}
