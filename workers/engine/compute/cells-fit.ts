/** Finds the cells of a picture that was pixelated (docs/architecture.md, "Cells"). */
import type { RgbaImage } from '../protocol';
import type { Cells } from './compute';

/** A quantile of the steps from line to line of pixels, which are within cells. */
const CALM = 0.25;
/** A step between cells: times that, of the mean of the largest few, and at least. */
const TIMES = 4;
const OF_LARGEST = 0.15;
const LEAST_STEP = 0.004;
/** Pixels that a line of the grid may be off. */
const UNEVEN = 0.75;
/** The fewest pixels of a cell, and the fewest and the most cells of an axis. */
const LEAST = 2;
const FEWEST = 4;
const MOST = 1024;
/** Lines along which steps are looked at, of large pictures. */
const LOOKED_AT = 256;

/** The mean steps over channels from each column (or row) to the next, 0..1. */
function stepsOf({ data, width, height }: RgbaImage, axis: 0 | 1): Float64Array {
  const [count, lines] = axis === 0 ? [width, height] : [height, width];
  const [along, over] = axis === 0 ? [4, 4 * width] : [4 * width, 4];
  const each = Math.max(1, Math.floor(lines / LOOKED_AT));
  const steps = new Float64Array(count - 1);
  let seen = 0;
  for (let line = 0; line < lines; line += each, seen++) {
    for (let i = 0; i < count - 1; i++) {
      const at = line * over + i * along;
      for (let c = 0; c < 3; c++) steps[i] += Math.abs(data[at + along + c] - data[at + c]);
    }
  }
  return steps.map((sum) => sum / (3 * 255 * seen));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value a share of sorted values is below, linear between them. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

/** Pitch and origin along an axis, in parts of it, or undefined where there is no grid. */
function gridOf(steps: Float64Array): readonly [pitch: number, origin: number] | undefined {
  const count = steps.length + 1;
  const sorted = steps.slice().sort();
  const largest = mean([...sorted.subarray(1 - FEWEST)]);
  const least = Math.max(TIMES * quantile(sorted, CALM), OF_LARGEST * largest, LEAST_STEP);
  const lines: number[] = [];
  steps.forEach((step, i) => {
    // A JPEG has smaller steps beside a large one.
    const highest = step >= (steps[i - 1] ?? 0) && step >= (steps[i + 1] ?? 0);
    if (highest && step > least) lines.push(i + 1);
  });
  if (lines.length < FEWEST - 1) return undefined;
  const gaps = lines.slice(1).map((line, i) => line - lines[i]);
  const usual = gaps.slice().sort((one, other) => one - other)[(gaps.length - 1) >> 1];
  if (usual < LEAST) return undefined;
  // Lines that cannot be seen are skipped: each gap is of so many cells.
  const numbers = [0];
  for (const gap of gaps) numbers.push(numbers[numbers.length - 1] + Math.max(1, Math.round(gap / usual)));
  const [middle, middleLine] = [mean(numbers), mean(lines)];
  let [over, under] = [0, 0];
  numbers.forEach((number, i) => {
    over += (number - middle) * (lines[i] - middleLine);
    under += (number - middle) ** 2;
  });
  let pitch = over / under;
  let origin = middleLine - pitch * middle;
  if (pitch < LEAST || pitch * FEWEST > count || count / pitch > MOST) return undefined;
  if (numbers.some((number, i) => Math.abs(lines[i] - origin - pitch * number) > UNEVEN)) return undefined;
  // Where it is a whole number of pixels, to the last digit.
  if (Math.abs(pitch - Math.round(pitch)) * numbers.length < 0.5)
    [pitch, origin] = [Math.round(pitch), Math.round(origin)];
  return [pitch / count, (origin - Math.floor(origin / pitch) * pitch) / count];
}

/** The cells of a′, at its own size, or undefined. */
export function findCells(edited: RgbaImage): Cells | undefined {
  if (edited.width < 2 * FEWEST || edited.height < 2 * FEWEST) return undefined;
  const across = gridOf(stepsOf(edited, 0));
  const down = across && gridOf(stepsOf(edited, 1));
  if (across === undefined || down === undefined) return undefined;
  return { pitch: [across[0], down[0]], origin: [across[1], down[1]] };
}
