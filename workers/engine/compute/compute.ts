/**
 * The arithmetic between upload and read-back, as one interface with two implementations:
 * `webgpu.ts` (our kernels) and `cpu.ts` (TypeScript; the oracle of the kernels' tests and the
 * WASM backend's arithmetic). docs/architecture.md defines every operation.
 *
 * Planar images are f32 `[channels, S, S]` in 0..1 unless said otherwise. A `Tensor` belongs to
 * the compute that made it and lives until `release` or `dispose`.
 */
import type { RgbaImage } from '../protocol';

/** Data on a backend: `data` is a GPUBuffer or a typed array. */
export interface Tensor<Data> {
  readonly data: Data;
  readonly type: 'float32' | 'float16';
  readonly dims: readonly number[];
  /** Where in `data` it begins, in elements; 0 unless it was allocated with others. */
  readonly offset?: number;
}

/** b (or a, a′) at its own size, on the backend as packed RGBA8. */
export interface FullImage<Data> {
  readonly data: Data;
  readonly width: number;
  readonly height: number;
}

/** Number of anchor features, and of columns of its Gram matrices (features and a′ − a). */
export const ANCHOR_FEATURES = 82;
export const ANCHOR_COLUMNS = 85;
/** The pair is cut into ANCHOR_BLOCKS × ANCHOR_BLOCKS blocks. */
export const ANCHOR_BLOCKS = 4;

/** What an anchor's table is indexed with: one value of a pixel; docs/architecture.md, "Lookup". */
export const POINT_KINDS = ['channel', 'luma', 'soft channel', 'soft luma', 'gradient'] as const;
export type PointKind = (typeof POINT_KINDS)[number];
/** Or a value and what is around it, by the blur's σ in 1/256 of the image; "Local lookup" there. */
export const LOCAL_KINDS = [
  'local channel 1',
  'local channel 2',
  'local channel 4',
  'local channel 8',
  'local channel 16',
  'local luma 1',
  'local luma 2',
  'local luma 4',
  'local luma 8',
  'local luma 16',
] as const;
export type LocalKind = (typeof LOCAL_KINDS)[number];
/** Or what filters make of the pixels around one, each by a table of its own; "Filters" there. */
export const FILTER_KINDS = ['filters of channel', 'filters of luma'] as const;
export type FilterKind = (typeof FILTER_KINDS)[number];
/** Of any of these. */
export const LOOKUP_KNOTS = 256;

/** Weights of r, g and b in a luma. */
export type Luma = readonly [number, number, number];

export interface PointLookup {
  readonly kind: PointKind;
  /** Where the kind is of luma; that of Rec. 601 if there is none. */
  readonly luma?: Luma;
  /** `[256, 3]` */
  readonly table: Float32Array;
}

export interface LocalLookup {
  readonly kind: LocalKind;
  /** Where the kind is of luma; that of Rec. 601 if there is none. */
  readonly luma?: Luma;
  /** `[16, 16, 3]`: by value, then by difference. */
  readonly table: Float32Array;
}

export interface FilterLookup {
  readonly kind: FilterKind;
  /** Where the kind is of luma; that of Rec. 601 if there is none. */
  readonly luma?: Luma;
  /** `[16, 16, 3]`: a table of 16 knots for each filter, of which the sum is taken. */
  readonly table: Float32Array;
}

/** Knots of a hue lookup: hues, which go round, and lightnesses. */
export const HUES = 24;
export const LIGHTS = 9;

/** What a unit of chroma does, on top of weights; docs/architecture.md, "Hue lookup". */
export interface HueLookup {
  readonly kind: 'hue';
  /** `[24, 9, 3]`: by hue, then by lightness. */
  readonly table: Float32Array;
}

/** An anchor that is a table, or a sum of tables, instead of weights, or a table beside them. */
export type Lookup = PointLookup | LocalLookup | FilterLookup | HueLookup;

/** Knots of a screen's thresholds along either phase, and what its tones are made of: the pixel and four blurs of it. */
export const SCREEN_SIDE = 16;
export const SCREEN_TONES = 5;

/** An anchor of two tones, with a threshold that may repeat over the picture; docs/architecture.md, "Screen". */
export interface Screen {
  /** One screen for all channels, of luma, or one for each, of its own values. */
  readonly kind: 'screen' | 'screens';
  /** That of Rec. 601 if there is none. */
  readonly luma?: Luma;
  /** r, g, b */
  readonly dark: readonly number[];
  readonly light: readonly number[];
  /** `[4, 3]`: two frequencies (x, y) in cycles a picture, zeros for none, of each channel. */
  readonly lattice: Float32Array;
  /** `[5, 3]` */
  readonly gains: Float32Array;
  /** `[16, 16, 3]`: by the phase of the first frequency, then of the second. */
  readonly thresholds: Float32Array;
}

/** What a warp reads outside of the picture, in order of preference; docs/architecture.md, "Warp". */
export const OUTSIDES = ['mirror', 'wrap', 'colour'] as const;
/** The degree of a warp's polynomials, and how many monomials that is. */
export const WARP_DEGREE = 5;
export const WARP_COEFFICIENTS = 21;

/** A warp that is smooth. */
export interface SmoothWarp {
  /** `[2, 21]` of the displacement along x and along y, for positions in −1..1. */
  readonly coefficients: Float32Array;
  readonly outside: (typeof OUTSIDES)[number];
  /** r, g, b in 0..1; read outside when that is *colour*. */
  readonly colour: readonly [number, number, number];
}

/** Numbers of a match: the position (x, y) that is read, and its slopes along x and y, row by row. */
export const MATCH_NUMBERS = 6;

/** A warp of which every place is for itself; docs/architecture.md, "Correspondences". */
export interface Correspondences {
  /** `[6, S, S]` */
  readonly matches: Float32Array;
}

/** A warp that reads the mean of the cell of a grid that a place is in; "Cells" there. Lengths are parts of the picture. */
export interface Cells {
  /** Along x and y. */
  readonly pitch: readonly [number, number];
  /** Where a cell begins. */
  readonly origin: readonly [number, number];
}

/** A warp that reads every channel elsewhere; "Channels apart" there. Mirrored outside. */
export interface ChannelWarp {
  /** `[3, 2, 3]`: of r, g and b, the displacement along x and along y, of 1, x, y, for positions in −1..1. */
  readonly channels: Float32Array;
}

/** Pixels of a kernel before and after its middle. */
export const KERNEL_RADIUS = 4;
export const KERNEL_SIDE = 2 * KERNEL_RADIUS + 1;

/** A warp that filters a picture at its own size, and leaves means of its pixels as they are; "Kernel" there. */
export interface Kernel {
  /** `[9, 9]`, row by row, of sum 1: what a pixel takes of those around it, the nearest ones at the edges. */
  readonly kernel: Float32Array;
}

/** Where in the picture an anchor reads. */
export type Warp = SmoothWarp | Correspondences | Cells | ChannelWarp | Kernel;

/** A fitted anchor: what is asked of an image. */
export interface Anchor {
  /** `[82, 3]`, zero outside the chosen group. */
  readonly weights: Float32Array;
  /** Where there is one, the anchor is it, and the weights are not read, but of a hue lookup. */
  readonly lookup?: Lookup | undefined;
  /** The same of this. */
  readonly screen?: Screen | undefined;
  /** Where there is one, weights, lookup or screen are of the moved image. */
  readonly warp?: Warp | undefined;
  /** Laid over what these make, at any size, stretched: r, g, b times alpha, and alpha. */
  readonly layer?: RgbaImage | undefined;
}

export interface MergeTarget<Data> {
  /** `[in, out]` */
  readonly base: Tensor<Data>;
  /** `[N, in, r]` */
  readonly a: Tensor<Data>;
  /** `[N, r, out]` */
  readonly b: Tensor<Data>;
  /** `[in, out]`, bound to the graph; same type as base. */
  readonly merged: Tensor<Data>;
}

/** What all colours of an edit are on, r, g and b each; docs/architecture.md, "Line". */
export interface Line {
  readonly origin: readonly number[];
  /** Of length 1. */
  readonly way: readonly number[];
}

export interface HeadInputs<Data> {
  /** `[14, G, G]` as the denoiser returned it (its type). */
  readonly grid: Tensor<Data>;
  /** `[5, S, S]` */
  readonly maps: Tensor<Data>;
  /** Prepared b, `[3, S, S]`. */
  readonly b: Tensor<Data>;
  /** Where there is one, b′ is brought onto it. */
  readonly line?: Line | undefined;
}

export interface FullRender<Data> extends HeadInputs<Data> {
  readonly image: FullImage<Data>;
  readonly anchor: Anchor;
  readonly strength: number;
  readonly width: number;
  readonly height: number;
  /** Rows done of all rows, after each tile. */
  onTile(done: number, total: number): void;
  /** Throws when the job was cancelled; called between tiles. */
  checkpoint(): Promise<void>;
}

export interface Compute<Data> {
  /** Copy f32 or fp16 (bits in a Uint16Array) data in; fp16 is widened when the backend lacks it. */
  upload(data: Float32Array | Uint16Array, dims: readonly number[], label: string): Tensor<Data>;
  /** Uninitialised. */
  allocate(type: 'float32' | 'float16', dims: readonly number[], label: string): Tensor<Data>;
  /**
   * Uninitialised, in as few pieces of memory as hold them, which lets the merge take many at once. For the merge
   * alone: other operations and graphs take tensors that begin where their data does. Released together.
   */
  allocateTogether(
    type: 'float32' | 'float16',
    dims: readonly (readonly number[])[],
    label: string,
  ): Tensor<Data>[];
  /** Fills a tensor with f32 or with fp16 bits. */
  write(tensor: Tensor<Data>, data: Float32Array | Uint16Array): void;
  /** As f32, whatever the stored type. */
  read(tensor: Tensor<Data>): Promise<Float32Array>;
  release(tensor: Tensor<Data> | FullImage<Data>): void;
  /** A new tensor with the same values in `type` (a copy when it already has it). */
  cast(tensor: Tensor<Data>, type: 'float32' | 'float16'): Tensor<Data>;

  uploadImage(image: RgbaImage, label: string): FullImage<Data>;
  /** `[3, size, size]`. */
  prepare(image: FullImage<Data>, size: number): Tensor<Data>;
  /** Blurs and gradients of a prepared image, `[18, S, S]` (reference/fields.ts). */
  fields(u: Tensor<Data>): Tensor<Data>;
  /**
   * Block-wise Gram matrices, `[16, 85, 85]` row-major (block = row·4 + column), of pixels of a and a′,
   * `[3, S, S]` each; `fields` are those of the prepared a.
   */
  anchorGram(a: Tensor<Data>, a2: Tensor<Data>, fields: Tensor<Data>): Promise<Float32Array>;
  /** moved(u) at the model's size, `[3, S, S]`. */
  warp(u: Tensor<Data>, warp: Warp): Tensor<Data>;
  /**
   * The anchor of an opaque image at its own size, prepared: `[3, S, S]`. `u` is the prepared image, which
   * blurs are of.
   */
  anchorApply(image: FullImage<Data>, u: Tensor<Data>, anchor: Anchor): Tensor<Data>;
  /** Network inputs in `type`: pairs `[1, 9, S, S]` and target `[1, 6, S, S]`. */
  pairInput(
    a: Tensor<Data>,
    a2: Tensor<Data>,
    anchorA: Tensor<Data>,
    type: 'float32' | 'float16',
  ): Tensor<Data>;
  targetInput(b: Tensor<Data>, anchorB: Tensor<Data>, type: 'float32' | 'float16'): Tensor<Data>;
  /** Stack images to `[k, 3, S, S]` in `type` for the encoder. */
  stack(images: readonly Tensor<Data>[], type: 'float32' | 'float16'): Tensor<Data>;
  /** e `[Q]`, keys `[L, N, d]`, query `[L, d, Q]` → c `[L, N]`, f32. */
  route(
    e: Tensor<Data>,
    keys: Tensor<Data>,
    query: Tensor<Data>,
    activation: 'softmax' | 'tanh',
  ): Promise<Float32Array>;
  /**
   * merged = base + scale·Σ c[l,n]·A·B for every target; one row of `coefficients` per target. Where it
   * returns a promise, nothing else may run until that is settled.
   */
  merge(
    targets: readonly MergeTarget<Data>[],
    coefficients: Float32Array,
    elements: number,
    scale: number,
  ): void | Promise<void>;
  /** merged += scale·delta[l]·A_n·B_n for one element n: what dragging one weight costs. */
  mergeElement(
    targets: readonly MergeTarget<Data>[],
    element: number,
    delta: Float32Array,
    scale: number,
  ): void | Promise<void>;
  /** The head at the model's size, then x ← x + (2x̂ − 1 − x)(tNext − t)/(1 − t) in place. */
  flowStep(head: HeadInputs<Data>, anchorB: Tensor<Data>, x: Tensor<Data>, t: number, tNext: number): void;
  /** The head at the model's size with strength, as RGBA8. */
  renderPreview(head: HeadInputs<Data>, anchorB: Tensor<Data>, strength: number): Promise<RgbaImage>;
  /** The head at full size, tile by tile; alpha is the image's own. */
  renderFull(render: FullRender<Data>): Promise<RgbaImage>;
  dispose(): void;
}
