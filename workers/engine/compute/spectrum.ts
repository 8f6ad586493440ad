/** What repeats in a square plane: its spectrum, and the frequency of a peak (docs/architecture.md, "Screen"). */

/** Peaks that are looked for are at least this far from the middle, in cycles a side. */
const FINEST = 6;
/** Of what repeats: the least share of all there is, and the least share of the second of that of the first. */
const LINES = 0.1;
const DOTS = 0.15;
/** Up to so many times the first is not the second. */
const HARMONICS = 5;
/** A peak is as wide as this, in cycles; within a little more nothing else is looked for. */
const WIDE = 2;
const CLEAR = 2.5;
/** How a peak's frequency is refined: the first step, by what it shrinks, and how often. */
const STEP = 0.5;
const SHRINK = 2.5;
const REFINED = 7;

export type Frequency = readonly [x: number, y: number];

/** `[half, frequencies]` cosines and sines of how far the first half of `side` pixels are from the middle. */
function waves(side: number, frequencies: readonly number[]): readonly [Float64Array, Float64Array] {
  const count = frequencies.length;
  const half = Math.ceil(side / 2);
  const [cosines, sines] = [new Float64Array(half * count), new Float64Array(half * count)];
  for (let i = 0; i < half; i++) {
    frequencies.forEach((f, k) => {
      const angle = (-2 * Math.PI * f * (i + 0.5 - side / 2)) / side;
      cosines[i * count + k] = Math.cos(angle);
      sines[i * count + k] = Math.sin(angle);
    });
  }
  return [cosines, sines];
}

/**
 * |Fourier transform|² of `plane` `[side, side]` at all pairs of frequencies, `[down, across]`. About the middle
 * cosines are even and sines odd, so two pixels are one product.
 */
function powerAt(
  plane: Float64Array,
  side: number,
  across: readonly number[],
  down: readonly number[],
): Float64Array {
  const columns = across.length;
  const half = Math.ceil(side / 2);
  const [cx, sx] = waves(side, across);
  const [cy, sy] = waves(side, down);
  const [real, imaginary] = [new Float64Array(side * columns), new Float64Array(side * columns)];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < half; x++) {
      const one = plane[y * side + x];
      const other = x === side - 1 - x ? 0 : plane[y * side + side - 1 - x];
      const even = one + other;
      const odd = one - other;
      for (let k = 0, at = x * columns, to = y * columns; k < columns; k++) {
        real[to + k] += even * cx[at + k];
        imaginary[to + k] += odd * sx[at + k];
      }
    }
  }
  // The same down: sums and differences of a row and the one across the middle from it, in place.
  for (let y = 0; y < half; y++) {
    const mirror = side - 1 - y;
    if (mirror === y) continue;
    for (let k = 0, to = y * columns, from = mirror * columns; k < columns; k++, to++, from++) {
      const r = real[to];
      const i = imaginary[to];
      real[to] = r + real[from];
      real[from] = r - real[from];
      imaginary[to] = i + imaginary[from];
      imaginary[from] = i - imaginary[from];
    }
  }
  const power = new Float64Array(down.length * columns);
  const [re, im] = [new Float64Array(columns), new Float64Array(columns)];
  for (let m = 0; m < down.length; m++) {
    re.fill(0);
    im.fill(0);
    for (let y = 0; y < half; y++) {
      const c = cy[y * down.length + m];
      const s = y === side - 1 - y ? 0 : sy[y * down.length + m];
      for (let k = 0, even = y * columns, odd = (side - 1 - y) * columns; k < columns; k++, even++, odd++) {
        re[k] += c * real[even] - s * imaginary[odd];
        im[k] += c * imaginary[even] + s * real[odd];
      }
    }
    for (let k = 0; k < columns; k++) power[m * columns + k] = re[k] * re[k] + im[k] * im[k];
  }
  return power;
}

/** The frequency near to this one of which there is most. */
function refined(plane: Float64Array, side: number, [fx, fy]: Frequency): Frequency {
  let [x, y] = [fx, fy];
  for (let round = 0, step = STEP; round < REFINED; round++, step /= SHRINK) {
    const around = (f: number): number[] => [-2, -1, 0, 1, 2].map((k) => f + k * step);
    const [across, down] = [around(x), around(y)];
    const power = powerAt(plane, side, across, down);
    const best = power.indexOf(Math.max(...power));
    [x, y] = [across[best % 5], down[Math.floor(best / 5)]];
  }
  return [x, y];
}

/** `plane` less its mean, under a Hann window. */
function windowed(plane: Float64Array, side: number): Float64Array {
  const mean = plane.reduce((sum, value) => sum + value, 0) / plane.length;
  const window = Float64Array.from({ length: side }, (_, i) => Math.sin((Math.PI * i) / (side - 1)) ** 2);
  return plane.map((value, i) => (value - mean) * window[i % side] * window[Math.floor(i / side)]);
}

/** Up to two frequencies, in cycles a side, at which `plane` `[side, side]` repeats. */
export function frequenciesOf(plane: Float64Array, side: number): Frequency[] {
  const shown = windowed(plane, side);
  // A real plane has the same at x, y and at −x, −y: a half of the frequencies is all.
  const half = Math.floor(side / 2);
  const across = Array.from({ length: half + 1 }, (_, k) => k);
  const down = Array.from({ length: side }, (_, k) => (k < side - half ? k : k - side));
  const power = powerAt(shown, side, across, down);
  const x = (at: number): number => across[at % across.length];
  const y = (at: number): number => down[Math.floor(at / across.length)];
  const counts = (at: number): boolean =>
    Math.hypot(x(at), y(at)) >= FINEST && !(x(at) === 0 && y(at) < 0) && 2 * x(at) < side;
  const known = power.map((value, at) => (counts(at) ? value : 0));
  const total = known.reduce((sum, value) => sum + value, 0);
  const open = known.map((value, at) => {
    const inner = x(at) < side / 2 - 2 && Math.abs(y(at)) < side / 2 - 2;
    // Pictures have more of what is coarse.
    return inner ? value * Math.hypot(x(at), y(at)) : 0;
  });
  const found: Frequency[] = [];
  let most = 1;
  for (const least of [LINES, DOTS]) {
    const peak = open.reduce((best, value, at) => (value > open[best] ? at : best), 0);
    const near = (at: number): boolean =>
      Math.abs(x(at) - x(peak)) <= WIDE && Math.abs(y(at) - y(peak)) <= WIDE;
    const part = known.reduce((sum, value, at) => sum + (near(at) ? value : 0), 0);
    if (!(part / total >= least * most)) break;
    const [fx, fy] = refined(shown, side, [x(peak), y(peak)]);
    found.push([fx, fy]);
    most = part / total;
    for (let m = 1; m <= HARMONICS; m++) {
      for (const sign of [m, -m]) {
        open.forEach((_, at) => {
          if (Math.abs(x(at) - sign * fx) <= CLEAR && Math.abs(y(at) - sign * fy) <= CLEAR) open[at] = 0;
        });
      }
    }
  }
  return found;
}
