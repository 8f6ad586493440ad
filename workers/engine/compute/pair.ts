/** The pair that an anchor is fitted to, and what fitting asks of a backend. */
import type { Compute, Tensor } from './compute';
import type { RgbaImage } from '../protocol';

/** Pixels of a and a′ at the same places (image/thin.ts), opaque. */
export interface PairPixels {
  readonly a: RgbaImage;
  readonly a2: RgbaImage;
  /** All of them. */
  readonly whole: { readonly a: RgbaImage; readonly a2: RgbaImage };
}

/** The pair of a triplet: prepared, `[3, S, S]` each, and its pixels. */
export interface FullPair<Data> {
  readonly a: Tensor<Data>;
  readonly a2: Tensor<Data>;
  /** Missing where a and a′ have different sizes, or fewer than S² pixels. */
  readonly pixels: PairPixels | undefined;
}

export type Fitter<Data> = Pick<
  Compute<Data>,
  'anchorApply' | 'anchorGram' | 'fields' | 'prepare' | 'read' | 'warp' | 'upload' | 'uploadImage' | 'release'
>;

/** a at the model's size, moved by a warp or not, with its fields on the backend and read back. */
export interface Prepared<Data> {
  readonly a: Tensor<Data>;
  readonly fields: Tensor<Data>;
  readonly fieldsRead: Float32Array;
}
