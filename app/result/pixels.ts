/** Owns the pixels and coefficients of what is shown; the store holds only their revision. */
import type { Coefficients, RgbaImage } from '../../workers/engine/protocol';

export interface Pixels {
  /** b′ as shown; the full-size one unless the store's `shown.full` is false. */
  result: RgbaImage | undefined;
  preview: RgbaImage | undefined;
  coefficients: Coefficients | undefined;
}

export const pixels: Pixels = { result: undefined, preview: undefined, coefficients: undefined };
