/** Whether what a′ has around a is a itself, larger and blurred (docs/architecture.md, "Frame"). */
import { filled, type Backdrop } from './backdrop';
import { solveCholesky } from './compute/cholesky';
import { luma } from './compute/reference/lookup';
import { overWhite, type Area } from './image/planes';
import { fitWithin, shrink } from './image/resize';
import type { RgbaImage } from './protocol';

/** The longer side of a′ as it is looked at, at first and at last, and how many times as much of a. */
const COARSE = 64;
const FINE = 128;
const OF_A = 2.5;
/** What is tried at first: so many times as large, and σ in shares of the longer side. */
const ZOOMS = [1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.75, 2];
const SIGMAS = [0, 0.008, 0.016, 0.03, 0.05, 0.08];
/** What these are changed by at last, over and over, by less each time. */
const ZOOM = 0.04;
const SIGMA = 0.3;
const HALVINGS = 5;
const LEAST = 0.002;
/** A value that is meant, where it costs no more than this times as much. */
const TIE = 1.05;
/** An error beyond which a pixel is something else: a border, a shadow. */
const OTHER = 0.06;
/** Squared errors: of what lies behind by its place alone there is less than the one to explain, and of it so much may be left. */
const PLAIN = 1e-5;
const LEFT = 0.6;
/** Pixels around a that can be judged by. */
const FEW = 60;
const RIDGE = 1e-5;
const ROUNDS = 6;

type Candidate = Omit<Backdrop, 'colours'>;

/** What a′ has around a, at some size, and a to make it of. */
interface View {
  readonly width: number;
  readonly height: number;
  /** Pixels of it for one of a′. */
  readonly scale: number;
  /** Those around a, and a′ in them, `[3, around]`. */
  readonly around: Int32Array;
  readonly a2: Float32Array;
  readonly a: RgbaImage;
}

function viewOf(a: RgbaImage, a2: RgbaImage, hole: Area, side: number): View {
  const { width, height } = fitWithin(a2.width, a2.height, side);
  const [across, down] = [width / a2.width, height / a2.height];
  // A pixel of the smaller a′ reaches one further than itself.
  const outside = (at: number, start: number, length: number, scale: number): boolean =>
    (at + 2) / scale <= start || (at - 1) / scale >= start + length;
  const around = Int32Array.from({ length: width * height }, (_, i) => i).filter(
    (i) =>
      outside(i % width, hole.x, hole.width, across) ||
      outside(Math.floor(i / width), hole.y, hole.height, down),
  );
  const planes = overWhite(shrink(a2, width, height));
  const ofA = fitWithin(a.width, a.height, OF_A * side);
  return {
    width,
    height,
    scale: across,
    around,
    a2: pick(planes, around),
    a: shrink(a, ofA.width, ofA.height),
  };
}

function pick(planes: Float32Array, pixels: Int32Array): Float32Array {
  const plane = planes.length / 3;
  const out = new Float32Array(3 * pixels.length);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < pixels.length; i++) out[c * pixels.length + i] = planes[c * plane + pixels[i]];
  return out;
}

interface Fitted {
  /** `[features, outputs]`. */
  readonly weights: Float64Array;
  /** The mean squared error, in which what is off by more than `OTHER` counts as off by that. */
  readonly cost: number;
}

/**
 * Least squares of `outputs` planes of `count` values from planes of features, in which what is far off, by the
 * largest of its outputs, has no say.
 */
function agreed(
  features: readonly Float32Array[],
  values: Float32Array,
  outputs: number,
): Fitted | undefined {
  const count = values.length / outputs;
  const size = features.length;
  const says = new Float64Array(count).fill(1);
  let weights: Float64Array = new Float64Array(size * outputs);
  let cost = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const matrix = new Float64Array(size * size);
    const right = new Float64Array(size * outputs);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < count; k++) sum += says[k] * features[i][k] * features[j][k];
        matrix[i * size + j] = sum;
        matrix[j * size + i] = sum;
      }
      for (let c = 0; c < outputs; c++) {
        let sum = 0;
        for (let k = 0; k < count; k++) sum += says[k] * features[i][k] * values[c * count + k];
        right[i * outputs + c] = sum;
      }
      matrix[i * size + i] += RIDGE * count;
    }
    const solved = solveCholesky(matrix, right, size, outputs);
    if (solved === undefined) return undefined;
    weights = solved;
    cost = 0;
    // Looser at first.
    const allowed = OTHER * Math.max(1, 4 - round);
    for (let k = 0; k < count; k++) {
      let most = 0;
      let sum = 0;
      for (let c = 0; c < outputs; c++) {
        let off = -values[c * count + k];
        for (let i = 0; i < size; i++) off += features[i][k] * weights[i * outputs + c];
        most = Math.max(most, Math.abs(off));
        sum += Math.min(off * off, OTHER ** 2);
      }
      cost += sum / outputs;
      says[k] = 1 / (1 + (most / allowed) ** 2) ** 2;
    }
    cost /= count;
  }
  return { weights, cost };
}

/** What a's place in a′ alone says of what is around it. */
function ofPlace({ width, height, around, a2 }: View): number {
  const at = (of: (x: number, y: number) => number): Float32Array =>
    Float32Array.from(around, (i) => of((i % width) / width - 0.5, Math.floor(i / width) / height - 0.5));
  const features = [
    at(() => 1),
    at((x) => x),
    at((_, y) => y),
    at((x) => x * x),
    at((x, y) => x * y),
    at((_, y) => y * y),
  ];
  return agreed(features, a2, 3)?.cost ?? 0;
}

/** The candidate where it is seen, in a's own colours: `[3, around]`. */
function seen(view: View, candidate: Candidate): Float32Array {
  const planes = filled(view.a, view, { ...candidate, sigma: candidate.sigma * view.scale });
  return pick(planes, view.around);
}

/** Any colours that are linear in a's; `planes` are what is seen of a. */
function freely(view: View, planes: Float32Array): Fitted | undefined {
  const count = view.around.length;
  const channels = [0, 1, 2].map((c) => planes.subarray(c * count, (c + 1) * count));
  return agreed([new Float32Array(count).fill(1), ...channels], view.a2, 3);
}

/** Colours that are lighter or darker, of more or less contrast, and more or less grey: the same for all channels. */
function plainly(view: View, planes: Float32Array): Fitted | undefined {
  const count = view.around.length;
  const grey = planes.map((_, i) =>
    luma(planes[i % count], planes[count + (i % count)], planes[2 * count + (i % count)]),
  );
  const fitted = agreed([new Float32Array(3 * count).fill(1), planes, grey], view.a2, 1);
  if (fitted === undefined) return undefined;
  const [base, own, light] = fitted.weights;
  const weights = new Float64Array(12).fill(base, 0, 3);
  for (let k = 0; k < 3; k++)
    for (let c = 0; c < 3; c++)
      weights[3 * (k + 1) + c] =
        (k === c ? own : 0) + light * luma(Number(k === 0), Number(k === 1), Number(k === 2));
  return { weights, cost: fitted.cost };
}

interface Costed<T> {
  readonly one: T;
  readonly cost: number;
}

/** The least of what `costOf` says of some. */
function leastOf<T>(all: readonly T[], costOf: (one: T) => number): Costed<T> {
  return all
    .map((one) => ({ one, cost: costOf(one) }))
    .reduce((best, next) => (next.cost < best.cost ? next : best));
}

/** The least near to a candidate, along its numbers. */
function refined(
  candidate: Candidate,
  costOf: (one: Candidate) => number,
  longest: number,
): Costed<Candidate> {
  let best = leastOf([candidate], costOf);
  for (let round = 0, share = 1; round < HALVINGS; round++, share /= 2) {
    const [larger, softer] = [1 + ZOOM * share, 1 + SIGMA * share];
    for (let better = true; better;) {
      const { zoom, sigma } = best.one;
      const next = leastOf(
        [
          { ...best.one, zoom: zoom * larger },
          { ...best.one, zoom: Math.max(1, zoom / larger) },
          { ...best.one, sigma: Math.max(sigma, LEAST * longest) * softer },
          { ...best.one, sigma: sigma / softer },
        ],
        costOf,
      );
      better = next.cost < best.cost * (1 - 1e-3);
      if (better) best = next;
    }
  }
  return best;
}

/** The backdrop of an a′ that has a in a hole, if it is one. */
export function findBackdrop(a: RgbaImage, a2: RgbaImage, hole: Area): Backdrop | undefined {
  const costIn =
    (view: View) =>
    (candidate: Candidate): number =>
      freely(view, seen(view, candidate))?.cost ?? Infinity;

  const coarse = viewOf(a, a2, hole, COARSE);
  if (coarse.around.length < FEW) return undefined;
  const most = LEFT * ofPlace(coarse);
  if (most < LEFT * PLAIN) return undefined;
  const longest = Math.max(a2.width, a2.height);
  const first = leastOf(
    (['cover', 'stretch'] as const).flatMap((fill) =>
      ZOOMS.flatMap((zoom) =>
        SIGMAS.map((sigma) => ({ fill, zoom, sigma: sigma * longest, cutFirst: true })),
      ),
    ),
    costIn(coarse),
  );
  if (first.cost > 2 * most) return undefined;

  const fine = viewOf(a, a2, hole, FINE);
  const costOf = costIn(fine);
  const best = [true, false]
    .map((cutFirst) => refined({ ...first.one, cutFirst }, costOf, longest))
    .reduce((one, other) => (other.cost < one.cost ? other : one));
  const meant = leastOf(
    [
      { ...best.one, zoom: 1 },
      { ...best.one, sigma: 0 },
      { ...best.one, zoom: 1, sigma: 0 },
    ],
    costOf,
  );
  const { one } = meant.cost <= TIE * best.cost ? meant : best;
  const planes = seen(fine, one);
  const [plain, free] = [plainly(fine, planes), freely(fine, planes)];
  if (plain === undefined || free === undefined || free.cost > LEFT * ofPlace(fine)) return undefined;
  return { ...one, colours: (plain.cost <= 1.1 * free.cost + 1e-6 ? plain : free).weights };
}
