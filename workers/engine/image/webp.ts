/** WebP: a RIFF file whose first chunk is VP8 (lossy), VP8L (lossless) or VP8X (extended). */
import type { Bytes } from './bytes';
import type { Sniffed } from './sniff';

function plus(value: number | undefined, more: number): number | undefined {
  return value === undefined ? undefined : value + more;
}

function sizeOf(bytes: Bytes): { width: number | undefined; height: number | undefined } {
  const kind = bytes.text(12, 4);
  if (kind === 'VP8X') return { width: plus(bytes.u24le(24), 1), height: plus(bytes.u24le(27), 1) };
  if (kind === 'VP8L') {
    const bits = bytes.u32(21, true);
    if (bits === undefined) return { width: undefined, height: undefined };
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  const [width, height] = [bytes.u16(26, true), bytes.u16(28, true)];
  // The two top bits are a scale hint, not part of the size.
  return {
    width: width === undefined ? undefined : width & 0x3fff,
    height: height === undefined ? undefined : height & 0x3fff,
  };
}

export function sniffWebp(bytes: Bytes): Sniffed {
  const riff = bytes.u32(4, true) ?? 0;
  const animated = bytes.is(12, 'VP8X') && ((bytes.u8(20) ?? 0) & 0x02) !== 0;
  return { type: 'webp', ...sizeOf(bytes), animated, bitDepth: 8, truncated: riff + 8 > bytes.length };
}
