/**
 * What the page and the engine worker say to each other: types and constants only.
 * Everything here survives structured clone.
 */

/** The code of every failure the engine can report. */
export type ErrorCode =
  | 'image/empty'
  | 'image/not-an-image'
  | 'image/unsupported'
  | 'image/damaged'
  | 'image/too-large'
  | 'pack/missing-file'
  | 'pack/bad-manifest'
  | 'pack/wrong-hash'
  | 'pack/bad-tensor'
  | 'pack/network'
  | 'engine/not-loaded'
  | 'engine/no-backend'
  | 'engine/out-of-memory'
  | 'engine/device-lost'
  | 'engine/bad-options'
  | 'engine/failed';

/** A failure as data: a sentence that says what happened and one that says what to do. */
export interface EngineError {
  readonly code: ErrorCode;
  /** One plain sentence: what is wrong. */
  readonly message: string;
  /** One plain sentence: what the person can do. */
  readonly remedy: string;
  /** The underlying error's text, for "copy diagnostics" only. */
  readonly cause?: string;
}

/** Every call returns this; nothing crosses the bridge by throwing. An abort is not an error. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly aborted: true }
  | { readonly ok: false; readonly aborted: false; readonly error: EngineError };

export type Backend = 'webgpu' | 'wasm';

export interface EngineOptions {
  /** `auto`: WebGPU on a hardware adapter, WASM otherwise. `webgpu` accepts a software adapter too. */
  readonly backend: 'auto' | Backend;
}

/** One example: a and its edited version a′. */
export interface Pair {
  readonly a: Blob;
  readonly a2: Blob;
}

export interface Triplet extends Pair {
  readonly b: Blob;
}

/** Coefficients c[l, n], row-major: one row per target, one column per basis element. */
export interface Coefficients {
  readonly targets: number;
  readonly elements: number;
  /** Length targets × elements. */
  readonly values: Float32Array;
}

export interface RunOptions {
  /** 0..2; 0 is b's own colours, 1 the edit, 2 twice the difference. Default 1. */
  readonly strength?: number;
  /** Flow steps, 1..50. Default: the manifest's. */
  readonly steps?: number;
  /** Unsigned 32-bit seed of the noise. Default 0. */
  readonly seed?: number;
  /** Replaces the coefficients that the encoder would give. */
  readonly coefficients?: Coefficients;
  /** Long side of the result in pixels; default: its own size, b's unless a′ has another shape than a. */
  readonly maxSide?: number;
}

export type LoadPhase = 'checking' | 'downloading' | 'verifying' | 'reading' | 'compiling';
export type RunPhase =
  'decoding' | 'preparing' | 'anchoring' | 'encoding' | 'merging' | 'denoising' | 'rendering';

/** Real progress: `done` of `total` units of the named phase; never a timer, never goes back. */
export type Progress =
  | { readonly kind: 'load'; readonly phase: LoadPhase; readonly done: number; readonly total: number }
  | { readonly kind: 'run'; readonly phase: RunPhase; readonly done: number; readonly total: number }
  /** After each step: b′ so far at the model's size, RGBA8 row-major; of b's part at `place`. */
  | {
      readonly kind: 'preview';
      readonly step: number;
      readonly steps: number;
      readonly image: RgbaImage;
      readonly place: Place;
    };

/** A part of a picture, in shares of its width and height; outside 0..1 it lies beyond the picture's edges. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** 8-bit sRGB, not premultiplied, row-major RGBA. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

export interface PackInfo {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Bytes of all files. */
  readonly bytes: number;
  readonly size: number;
  readonly steps: number;
  readonly targets: readonly string[];
  readonly elements: number;
  readonly rank: number;
  /** Display name per basis element, or undefined where it has none. */
  readonly elementNames: readonly (string | undefined)[];
  readonly backend: Backend;
  readonly precision: 'fp16' | 'fp32';
  readonly adapter: string;
}

/** Milliseconds per phase of the last run, and the choices it made. */
export interface RunReport {
  readonly timings: Readonly<Partial<Record<RunPhase, number>>>;
  /** Milliseconds of each denoiser step. */
  readonly stepTimings: readonly number[];
  /** What the anchor chose, `colour`, `warp + colour`, `correspondences` …; see docs/architecture.md. */
  readonly anchor: string;
  readonly backend: Backend;
  readonly adapter: string;
  readonly precision: 'fp16' | 'fp32';
  readonly strength: number;
  readonly steps: number;
  readonly seed: number;
  /** Of b′ in pixels, without a `maxSide`. */
  readonly size: { readonly width: number; readonly height: number };
  /** Where b lies in b′. */
  readonly place: Place;
}

export interface RunResult {
  readonly image: RgbaImage;
  readonly coefficients: Coefficients;
  readonly report: RunReport;
}

/** What "copy diagnostics" copies. */
export interface Diagnostics {
  readonly userAgent: string;
  readonly crossOriginIsolated: boolean;
  readonly threads: number;
  readonly webgpu:
    | { readonly adapter: string; readonly software: boolean; readonly features: readonly string[] }
    | undefined;
  readonly pack: PackInfo | undefined;
  readonly lastError: EngineError | undefined;
  readonly lastReport: RunReport | undefined;
  /** Addresses of everything this worker has fetched: what it needs again to work offline. */
  readonly fetched: readonly string[];
}

export type OnProgress = (progress: Progress) => void;

/**
 * The worker's whole surface. `job` is an id chosen by the caller; `cancel(job)` ends that job at
 * its next step and its call returns `{ ok: false, aborted: true }`.
 */
export interface EngineApi {
  /** Load a pack from a base URL that ends in `/` and holds `manifest.json`. */
  load(
    job: number,
    packUrl: string,
    options: EngineOptions,
    onProgress: OnProgress,
  ): Promise<Outcome<PackInfo>>;
  /** Decode and check one image as it is dropped: its size, after EXIF orientation. */
  inspect(image: Blob): Promise<Outcome<{ width: number; height: number }>>;
  /** Coefficients for a triplet, without running the denoiser. */
  encode(job: number, triplet: Triplet, onProgress: OnProgress): Promise<Outcome<Coefficients>>;
  run(
    job: number,
    triplet: Triplet,
    options: RunOptions,
    onProgress: OnProgress,
  ): Promise<Outcome<RunResult>>;
  /** Render the last run again at another strength or size; the denoiser does not run. */
  rerender(
    job: number,
    options: Pick<RunOptions, 'strength' | 'maxSide'>,
    onProgress: OnProgress,
  ): Promise<Outcome<RunResult>>;
  cancel(job: number): void;
  diagnostics(): Promise<Diagnostics>;
  /** Free every GPU and ORT object. The next call must be `load`. */
  dispose(): Promise<void>;
}
