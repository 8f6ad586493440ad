/**
 * Fits the anchor's filters (docs/architecture.md, "Filters"): for each of sixteen responses of the pixels around one a
 * table of 16 knots, all at once by penalised least squares, held to account in other parts of the picture.
 */
import { cornersIn, overWhite } from '../image/planes';
import type { RgbaImage } from '../protocol';
import { solveCholesky } from './cholesky';
import {
  FILTER_KINDS,
  LOOKUP_KNOTS,
  type Anchor,
  type FilterKind,
  type FilterLookup,
  type Luma,
} from './compute';
import { planesOf, rowPainter } from './reference/anchor';
import { blurOf, FIELDS } from './reference/fields';
import { filterBank, FILTER_KNOTS, FILTER_RADIUS, FILTERS, planeOf, WIDE } from './reference/filters';
import { rgbaSource, sampledIn } from './reference/source';

/** Squares of a pair that are looked at: so many along an axis, of so many pixels, those around them not counted. */
const PLACES = 12;
const INNER = 16;
const SIDE = INNER + 2 * FILTER_RADIUS;
const FOLDS = 4;
/** What a bend costs, a slope beside it, and a value: filters tell much the same, so one answer has to be preferred. */
const RIDGE = 1e-3;
const SLOPE = 1e-2;
const VALUE = 1e-6;
/** The most that filters may leave of what another anchor leaves. */
const WORTHWHILE = 0.9;
/** What that leaves of the squares must be so much of what it leaves everywhere: else it is of something elsewhere. */
const HERE = 0.5;
const LAST = FILTER_KNOTS - 1;

/** The prepared a, `[3, S, S]`, and its fields, `[18, S, S]`. */
interface Prepared {
  readonly planes: Float32Array;
  readonly fields: Float32Array;
}

/** A square's pixels, and the blurs that they are compared with: planes `[3, 24, 24]`. */
interface Square {
  readonly own: Float32Array;
  readonly edited: Float32Array;
  readonly wide: readonly Float32Array[];
  readonly fold: number;
  /** Of its first pixel. */
  readonly x: number;
  readonly y: number;
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
  const size = sizeOf(fields);
  return cornersIn(a, SIDE, PLACES).map(({ x, y }, k) => {
    const area = { x, y, width: SIDE, height: SIDE };
    const span = { left: x / a.width, top: y / a.height, width: SIDE / a.width, height: SIDE / a.height };
    return {
      own: overWhite(a, area),
      edited: overWhite(a2, area),
      wide: WIDE.map((sigma) => sampledIn(blurOf(fields, size, sigma), size, SIDE, span)),
      fold: ((k % PLACES) + 2 * Math.floor(k / PLACES)) % FOLDS,
      x,
      y,
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
  // The squares side by side: what is looked at around a pixel is in its own.
  const width = squares.length * SIDE;
  const strip = new Float32Array(SIDE * width);
  const blurs = WIDE.map(() => new Float32Array(SIDE * width));
  const place = (plane: Float32Array, square: number, to: Float32Array): void => {
    for (let y = 0; y < SIDE; y++)
      to.set(plane.subarray(y * SIDE, (y + 1) * SIDE), y * width + square * SIDE);
  };
  squares.forEach(({ own, edited, wide, fold }, square) => {
    place(planeOf(own, channel, luma), square, strip);
    wide.forEach((planes, k) => place(planeOf(planes, channel, luma), square, blurs[k]));
    const first = square * INNER * INNER;
    sample.fold.fill(fold, first, first + INNER * INNER);
    columns.forEach((c, i) => {
      for (let y = 0; y < INNER; y++) {
        const from = (c * SIDE + FILTER_RADIUS + y) * SIDE + FILTER_RADIUS;
        sample.edited[i].set(edited.subarray(from, from + INNER), first + y * INNER);
      }
    });
  });
  const rowOf = (of: Float32Array, y: number): Float32Array => of.subarray(y * width, (y + 1) * width);
  const bank = filterBank(width, SIDE, (y, out) => out.set(rowOf(strip, y)));
  for (let y = 0; y < INNER; y++) {
    const row = y + FILTER_RADIUS;
    const responses = bank(
      row,
      blurs.map((blur) => rowOf(blur, row)),
    );
    for (let square = 0; square < squares.length; square++) {
      const [from, first] = [square * SIDE + FILTER_RADIUS, square * INNER * INNER + y * INNER];
      sample.value.set(responses[0].subarray(from, from + INNER), first);
      responses.forEach((response, k) => {
        for (let x = 0; x < INNER; x++) {
          const position = Math.min(1, Math.max(0, response[from + x])) * LAST;
          const low = Math.min(LAST - 1, Math.floor(position));
          sample.knot[(first + x) * FILTERS + k] = k * FILTER_KNOTS + low;
          sample.beyond[(first + x) * FILTERS + k] = position - low;
        }
      });
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
    const first = p * FILTERS;
    for (let k = first; k < first + FILTERS; k++) {
      const high = beyond[k];
      const low = 1 - high;
      const from = knot[k];
      const row = from * LOOKUP_KNOTS;
      const next = row + LOOKUP_KNOTS;
      for (let n = first; n < k; n++) {
        const its = beyond[n];
        const left = 1 - its;
        const to = knot[n];
        matrix[row + to] += low * left;
        matrix[row + to + 1] += low * its;
        matrix[next + to] += high * left;
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

/** The squared error, summed, of an anchor on the pixels of each fold. */
function errorsOf(
  anchor: Anchor,
  a: RgbaImage,
  { planes, fields }: Prepared,
  squares: readonly Square[],
): number[] {
  const { width, height } = a;
  const paint = rowPainter(anchor, rgbaSource(a.data, width, height), planes, sizeOf(fields));
  const made = planesOf(width);
  const errors = new Array<number>(FOLDS).fill(0);
  for (const top of new Set(squares.map(({ y }) => y))) {
    const across = squares.filter(({ y }) => y === top);
    for (let y = FILTER_RADIUS; y < SIDE - FILTER_RADIUS; y++) {
      const row = overWhite(a, { x: 0, y: top + y, width, height: 1 });
      const own = [0, 1, 2].map((c) => row.subarray(c * width, (c + 1) * width));
      paint(width, (top + y + 0.5) / height, [own[0], own[1], own[2]], made);
      for (const { x, edited, fold } of across) {
        for (let c = 0; c < 3; c++)
          for (let k = FILTER_RADIUS; k < SIDE - FILTER_RADIUS; k++)
            errors[fold] += (made[c][x + k] - edited[(c * SIDE + y) * SIDE + k]) ** 2;
      }
    }
  }
  return errors;
}

/** What a kind leaves of the squares, all of them, fitted to others; undefined where it has no solution. */
function scoreKind(
  kind: FilterKind,
  squares: readonly Square[],
  luma: Luma,
  block: number,
):
  | { readonly kind: FilterKind; readonly errors: Errors; readonly tables: readonly Float64Array[] }
  | undefined {
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
  return { kind, errors, tables };
}

/** The squared error, summed, of a kind on the very pixels of one fold that it is fitted to. */
function firstLook(kind: FilterKind, few: readonly Square[], luma: Luma): number {
  const errors = noErrors();
  for (const sample of samplesOf(kind, few, luma)) {
    const tables = solved(sumsOf(sample).slice(0, 1), sample.edited.length);
    if (tables === undefined) return Infinity;
    addErrors(sample, tables, 0, INNER, errors);
  }
  return errors.pixels;
}

/** `[16, 16, 3]`, the value with the table of the first filter, which it is the response of. */
function tableOf(tables: readonly Float64Array[]): Float32Array {
  return Float32Array.from({ length: 3 * LOOKUP_KNOTS }, (_, i) => {
    const [knot, c] = [Math.floor(i / 3), i % 3];
    const value = knot < FILTER_KNOTS ? knot / LAST : 0;
    return value + (tables.length === 1 ? tables[0][i] : tables[c][knot]);
  });
}

function sizeOf(fields: Float32Array): number {
  return Math.sqrt(fields.length / FIELDS);
}

export interface FilterFit {
  readonly lookup: FilterLookup;
  /** Mean squared error in parts of the pair that they were not fitted to, of pixels and of means. */
  readonly score: number;
  readonly scoreOfMeans: number;
  /** That of pixels over what the other anchor leaves there. */
  readonly share: number;
}

/**
 * The filters that make a′ of a, of channels or of luma; undefined where they do not leave less of the same pixels than
 * `plain` does, of which `score` is what it leaves of all, on the mean.
 */
export function fitFilters(
  { a, a2 }: { readonly a: RgbaImage; readonly a2: RgbaImage },
  prepared: Prepared,
  plain: Anchor & { readonly luma: Luma; readonly score: number },
): FilterFit | undefined {
  const { luma } = plain;
  const squares = squaresOf(a, a2, prepared.fields);
  const values = 3 * squares.length * INNER * INNER;
  const ofFolds = errorsOf(plain, a, prepared, squares);
  const left = ofFolds.reduce((sum, error) => sum + error, 0);
  if (left < HERE * values * plain.score) return undefined;
  const few = squares.filter(({ fold }) => fold === 0);
  const kinds = FILTER_KINDS.filter((kind) => firstLook(kind, few, luma) <= WORTHWHILE * ofFolds[0]);
  if (kinds.length === 0) return undefined;
  const block = Math.min(INNER, Math.round(Math.min(a.width, a.height) / sizeOf(prepared.fields)));
  const [best] = kinds
    .flatMap((kind) => scoreKind(kind, squares, luma, block) ?? [])
    .sort((one, other) => one.errors.pixels - other.errors.pixels);
  if (best === undefined) return undefined;
  const { kind, errors, tables } = best;
  const share = errors.pixels / left;
  if (share > WORTHWHILE) return undefined;
  return {
    lookup: { kind, luma, table: tableOf(tables) },
    score: errors.pixels / values,
    scoreOfMeans: errors.means / errors.blocks,
    share,
  };
}
