/**
 * The layer of a pair for a picture of another shape (docs/architecture.md, "Layer"). Its pieces, and what lies close
 * together is one, keep their shape: a logo its corner, type its middle. One that reaches from side to side grows or
 * shrinks where nothing changes along it, as a frame does between its corners; one that has no such place is stretched.
 */
import { GAPS, gapsAlong, grownIn, placesOf, stretched, totalOf, type Course } from './courses';
import { labelAt, lengthOf, piecesOf, type Cells, type Piece, type Range } from './layer-pieces';
import type { RgbaImage } from './protocol';

/** The longest side of a layer: 16 MB at the most, and a fraction of a second. */
export const MOST = 2048;
/** Shapes whose aspects differ by less are the same. */
const SAME = 0.02;
/** Of more pieces none is placed by a side: flakes, not logos. */
const MANY = 12;
/** What lies this near to one side, for its way to the other, keeps its distance. */
const ASIDE = 0.2;
/** The most of an axis that is taken without being taken already. */
const ROOM = 0.6;
/** A piece that covers so much of an axis, or comes so near to both ends, reaches across. */
const ACROSS = 0.75;
const AT_THE_END = 0.02;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** One of two: 0 along x, 1 along y. */
interface Axis {
  readonly index: 0 | 1;
  /** Pixels of the layer, of a for each of them, and of the result. */
  readonly count: number;
  readonly unit: number;
  readonly out: number;
}

/** The stretches of an axis along which a piece does not change, and that are long. */
function gapsOf(
  { data, width }: RgbaImage,
  cells: Cells,
  { label, box }: Piece,
  { index, count }: Axis,
): Range[] {
  const across = box[1 - index];
  return gapsAlong(data, count, lengthOf(across), (along, at) => {
    const [x, y] = index === 0 ? [along, across.from + at] : [across.from + at, along];
    return labelAt(cells, x, y) === label ? 4 * (y * width + x) : -1;
  });
}

/** A piece moved as it is: at its distance from the side that it is at, or else in proportion. */
function placed(
  { from, to }: Range,
  whole: Range,
  { count, unit, out }: Axis,
  { scale, margin, many }: { scale: number; margin: number; many: boolean },
): Course {
  const [before, after] = [from, count - to];
  const own = scale * unit;
  const slack = out - (to - from) * own;
  const aside = !many && Math.min(before, after) <= ASIDE * (before + after);
  const kept = Math.min(slack / 2, Math.min(before, after) * unit * margin);
  const start = !aside
    ? (slack * before) / Math.max(1, before + after)
    : before <= after
      ? kept
      : slack - kept;
  const at = (place: number): number => start + (place - from) * own;
  return { from: [whole.from, whole.to], to: [at(whole.from), at(whole.to)] };
}

/** Where a piece goes, along x and along y; undefined for one that is stretched. */
function coursesOf(
  layer: RgbaImage,
  cells: Cells,
  piece: Piece,
  axes: readonly [Axis, Axis],
  rest: { readonly margin: number; readonly many: boolean },
): readonly [Course, Course] | undefined {
  const found = axes.map((axis) => {
    const { from, to } = piece.box[axis.index];
    const { count } = axis;
    const touches = Math.max(from, count - to) <= AT_THE_END * count;
    const gaps = touches || to - from >= ACROSS * count ? gapsOf(layer, cells, piece, axis) : [];
    return { axis, gaps, fixed: touches && gaps.length === 0, length: to - from };
  });
  const fixed = found.filter((one) => one.fixed);
  if (fixed.length === 2) return undefined;
  const mostOf = ({ axis: { count, unit, out }, gaps, length }: (typeof found)[number]): number =>
    gaps.length > 0
      ? ((1 - GAPS) * out) / Math.max(1, count - totalOf(gaps)) / unit
      : (Math.max(ROOM, length / count) * out) / length / unit;
  const scales = fixed.map(({ axis: { count, unit, out } }) => out / count / unit);
  const scale = scales[0] ?? Math.min(rest.margin, ...found.map(mostOf));
  // One that must be as wide as the picture can be too high for it.
  if (found.some((one) => !one.fixed && scale > mostOf(one) / (1 - GAPS))) return undefined;
  const [x, y] = found.map(({ axis, gaps, fixed: whole }) => {
    if (whole) return stretched(axis);
    if (gaps.length > 0) return grownIn(gaps, axis, scale * axis.unit);
    return placed(piece.box[axis.index], piece.whole[axis.index], axis, { scale, ...rest });
  });
  return [x, y];
}

/** Lays a piece over `onto`, bilinear. */
function lay(
  { data, width, height }: RgbaImage,
  { side, columns: across, labels }: Cells,
  label: number,
  [x, y]: readonly [Course, Course],
  onto: RgbaImage,
): void {
  const [columns, rows] = [placesOf(x, onto.width), placesOf(y, onto.height)];
  const pixel = new Float64Array(4);
  const taps = new Int32Array(4);
  rows.places.forEach((v, row) => {
    const above = Math.floor(v);
    const down = v - above;
    const [top, bottom] = [Math.max(0, above), Math.min(height - 1, above + 1)];
    const cellsOf = [top, bottom].map((line) => Math.floor(line / side) * across);
    for (let column = 0; column < columns.places.length; column++) {
      const u = columns.places[column];
      const before = Math.floor(u);
      const right = u - before;
      const [one, other] = [Math.max(0, before), Math.min(width - 1, before + 1)];
      const [first, second] = [Math.floor(one / side), Math.floor(other / side)];
      taps[0] = labels[cellsOf[0] + first] === label ? top * width + one : -1;
      taps[1] = labels[cellsOf[0] + second] === label ? top * width + other : -1;
      taps[2] = labels[cellsOf[1] + first] === label ? bottom * width + one : -1;
      taps[3] = labels[cellsOf[1] + second] === label ? bottom * width + other : -1;
      pixel.fill(0);
      for (let tap = 0; tap < 4; tap++) {
        if (taps[tap] < 0) continue;
        const weight = (tap & 1 ? right : 1 - right) * (tap & 2 ? down : 1 - down);
        for (let c = 0; c < 4; c++) pixel[c] += weight * data[4 * taps[tap] + c];
      }
      if (pixel[3] === 0) continue;
      const at = 4 * ((rows.first + row) * onto.width + columns.first + column);
      const seen = 1 - pixel[3] / 255;
      for (let c = 0; c < 4; c++) onto.data[at + c] = pixel[c] + onto.data[at + c] * seen;
    }
  });
}

/** `layer`, found over a picture of the shape of `a`, to be stretched over one of the shape of `b`. */
export function shapedFor(layer: RgbaImage, a: Size, b: Size): RgbaImage {
  if (Math.abs(Math.log((a.width * b.height) / (a.height * b.width))) < SAME) return layer;
  const short = Math.min(layer.width, layer.height);
  const size = Math.min(short / Math.min(b.width, b.height), MOST / Math.max(b.width, b.height));
  const width = Math.max(1, Math.round(b.width * size));
  const height = Math.max(1, Math.round(b.height * size));
  const margin = Math.min(width, height) / Math.min(a.width, a.height);
  const axes = [
    { index: 0, count: layer.width, unit: a.width / layer.width, out: width },
    { index: 1, count: layer.height, unit: a.height / layer.height, out: height },
  ] as const;
  const { cells, pieces } = piecesOf(layer);
  const across = [stretched(axes[0]), stretched(axes[1])] as const;
  const rest = { margin, many: pieces.length > MANY };
  const courses = pieces.map((piece) => coursesOf(layer, cells, piece, axes, rest));
  if (courses.every((course) => course === undefined)) return layer;
  const out: RgbaImage = { width, height, data: new Uint8ClampedArray(4 * width * height) };
  lay(layer, cells, 0, across, out);
  pieces.forEach(({ label }, k) => lay(layer, cells, label, courses[k] ?? across, out));
  return out;
}
