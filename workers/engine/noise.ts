/**
 * The noise x_0 of a seed, defined so that any language reproduces it.
 *
 * All integers are unsigned 32 bit and wrap. With
 *
 *     mix(h): h ^= h >> 16; h *= 0x85ebca6b; h ^= h >> 13; h *= 0xc2b2ae35; h ^= h >> 16
 *     k0 = mix(seed + 0x9e3779b9),  k1 = mix(k0 + 0x9e3779b9)
 *     word(i) = mix(mix(i ^ k0) + k1)
 *
 * (mix is MurmurHash3's finaliser), pair p of the output is, in double precision, rounded to f32:
 *
 *     u = (word(2p) + 0.5) / 2^32,  v = word(2p + 1) / 2^32
 *     x[2p] = sqrt(-2 ln u) cos(2 pi v),  x[2p + 1] = sqrt(-2 ln u) sin(2 pi v)
 *
 * An odd length drops the last sine. Index order is that of `[1, 3, S, S]`, row-major.
 */

const GOLDEN = 0x9e3779b9;

function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The words of an unsigned 32-bit seed, by index. */
export function wordsOf(seed: number): (index: number) => number {
  const k0 = mix(seed + GOLDEN);
  const k1 = mix(k0 + GOLDEN);
  return (index) => mix(mix(index ^ k0) + k1);
}

/** `length` standard normal numbers of an unsigned 32-bit seed. */
export function gaussianNoise(seed: number, length: number): Float32Array {
  const word = wordsOf(seed);
  const out = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((word(i) + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * word(i + 1)) / 2 ** 32;
    out[i] = radius * Math.cos(angle);
    if (i + 1 < length) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}
