/** IEEE 754 binary16 as bits in a Uint16Array, to and from f32; subnormals, infinities and NaN included. */

const SMALLEST_SUBNORMAL = 2 ** -24;

/** Exact: every f16 is an f32. */
export function widenHalf(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i];
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 31;
    const mantissa = half & 0x3ff;
    if (exponent === 0) {
      // An f16 subnormal is a normal f32, so its bits cannot be moved over as they are.
      values[i] = (sign === 0 ? mantissa : -mantissa) * SMALLEST_SUBNORMAL;
    } else if (exponent === 31) {
      words[i] = sign | 0x7f800000 | (mantissa << 13);
    } else {
      words[i] = sign | ((exponent + 112) << 23) | (mantissa << 13);
    }
  }
  return values;
}

/** Rounds to nearest, ties to even; too large becomes infinity. */
export function narrowHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i];
    const sign = (word >>> 16) & 0x8000;
    const exponent = (word >>> 23) & 255;
    const mantissa = word & 0x7fffff;
    if (exponent === 255) {
      bits[i] = sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
    } else if (exponent < 113) {
      bits[i] = sign | roundToEven(Math.abs(values[i]) / SMALLEST_SUBNORMAL);
    } else {
      // The carry of the rounding may run into the exponent: that is the right answer.
      const kept = ((exponent - 112) << 10) | (mantissa >>> 13);
      const rest = mantissa & 0x1fff;
      const up = rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1) ? 1 : 0;
      bits[i] = sign | Math.min(0x7c00, kept + up);
    }
  }
  return bits;
}

/** f32 values or fp16 bits as a graph of `precision` takes them. */
export function inPrecision(
  data: Float32Array | Uint16Array,
  precision: 'fp16' | 'fp32',
): Float32Array | Uint16Array {
  if (precision === 'fp16') return data instanceof Float32Array ? narrowHalf(data) : data;
  return data instanceof Uint16Array ? widenHalf(data) : data;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
