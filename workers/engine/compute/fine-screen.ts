/**
 * Screens too fine for one pixel in so many (docs/architecture.md, "Screen"): looked for in a square of a pair's own
 * pixels, where their dots are.
 */
import { cornersIn, overWhite } from '../image/planes';
import type { RgbaImage } from '../protocol';
import type { Screen } from './compute';
import { BLUR_SIGMAS, blurOf, FEATURE_BLURS, FIELDS } from './reference/fields';
import { luma } from './reference/lookup';
import { sampledIn } from './reference/source';
import { errorOfScreen, fitScreen, type Sampled } from './screen-fit';
import { noWeights, SCREENED, TONED, type AnchorFit } from './still-fit';

/** Pixels along a side of the square. */
const SIDE = 256;
/** Places that are tried for it, along an axis. */
const PLACES = 5;
/** A screen of which a cycle has fewer of the pixels that were sampled than this is looked for again. */
const COARSE = 8;
/** The most that one that is found again may leave of what it left. */
const BETTER = 0.8;
/** The most that one that is softened may leave of what it left, unless it is 40 dB. */
const SOFTER = 2;

type Whole = Readonly<Record<'a' | 'a2', RgbaImage>>;

/** Variance of the luma of `soft` `[3, S, S]` within a square, all in parts of the picture. */
function varietyOf(soft: Float32Array, size: number, { left, top, width, height }: Sampled['span']): number {
  const plane = size * size;
  let [sum, squares, count] = [0, 0, 0];
  for (let y = Math.floor(top * size); y < Math.ceil((top + height) * size); y++) {
    for (let x = Math.floor(left * size); x < Math.ceil((left + width) * size); x++) {
      const i = y * size + x;
      const value = luma(soft[i], soft[plane + i], soft[2 * plane + i]);
      sum += value;
      squares += value * value;
      count++;
    }
  }
  return squares / count - (sum / count) ** 2;
}

/** The square of a pair in which a has most tones, and of those that share at most half of it the one that has most. */
function squaresOf({ a, a2 }: Whole, fields: Float32Array, size: number): Sampled[] {
  const { width, height } = a;
  const side = Math.min(SIDE, width, height);
  const softest = blurOf(fields, size, BLUR_SIGMAS[FEATURE_BLURS - 1]);
  const squares = cornersIn(a, side, PLACES).map(({ x, y }) => {
    const span = { left: x / width, top: y / height, width: side / width, height: side / height };
    return { x, y, span, variety: varietyOf(softest, size, span) };
  });
  squares.sort((one, other) => other.variety - one.variety);
  const [best] = squares;
  const second = squares.find(({ x, y }) => Math.max(Math.abs(x - best.x), Math.abs(y - best.y)) >= side / 2);
  return [best, ...(second ? [second] : [])].map(({ x, y, span }) => {
    const area = { x, y, width: side, height: side };
    return {
      side,
      a: overWhite(a, area),
      a2: overWhite(a2, area),
      soft: BLUR_SIGMAS.slice(0, FEATURE_BLURS).map((sigma) =>
        sampledIn(blurOf(fields, size, sigma), size, side, span),
      ),
      span,
      cells: undefined,
      whole: true,
    };
  });
}

/** Whether a screen's dots are too fine for means of so many pixels an axis to show. */
export function isFine(screen: Screen, size: number): boolean {
  return finestOf(screen) >= size / COARSE;
}

/** The most cycles of a screen's in a picture, along an axis. */
function finestOf({ lattice }: Screen): number {
  return lattice.reduce((most, frequency) => Math.max(most, Math.abs(frequency)), 0);
}

/**
 * The same, but for a threshold alone that does as well where its pixel is its finest blur: then the detail of a larger
 * b is not what was seen.
 */
function softened(fit: AnchorFit, square: Sampled): AnchorFit {
  const { screen } = fit;
  if (screen === undefined || finestOf(screen) > 0) return fit;
  const gains = screen.gains.slice();
  for (let c = 0; c < 3; c++) {
    gains[3 + c] += gains[c];
    gains[c] = 0;
  }
  const soft = { ...screen, gains };
  const most = Math.max(TONED, SOFTER * errorOfScreen(square, screen));
  return errorOfScreen(square, soft) <= most ? { ...fit, screen: soft } : fit;
}

/**
 * `fit`, or a screen that is found in a square of the pair's own pixels, where these may show a finer one or the same
 * better; `fields` are those of the prepared a, `[18, S, S]`.
 */
export function withFineScreen(fit: AnchorFit, whole: Whole, fields: Float32Array): AnchorFit {
  const size = Math.sqrt(fields.length / FIELDS);
  if (Math.min(whole.a.width, whole.a.height) <= size) return fit;
  const { screen } = fit;
  if (screen === undefined ? fit.score <= TONED : finestOf(screen) > 0 && !isFine(screen, size)) return fit;
  const [square, another] = squaresOf(whole, fields, size);
  if (screen !== undefined && finestOf(screen) === 0) return softened(fit, square);
  // What samples of it show of a screen may be its moiré, of which its own pixels know nothing.
  const most = screen === undefined ? SCREENED * fit.score : BETTER * errorOfScreen(square, screen);
  const found = fitScreen(square, fit.luma, most);
  // Where none is known yet: what a square happens to be like is not what was done to the picture.
  const doubted = found !== undefined && screen === undefined && another !== undefined;
  return found === undefined || (doubted && errorOfScreen(another, found.screen) > most)
    ? fit
    : softened({ ...found, name: found.screen.kind, weights: noWeights(), luma: fit.luma }, square);
}
