/** PNG and APNG: signature, then chunks of length, type, data and checksum. */
import type { Bytes } from './bytes';
import type { Sniffed } from './sniff';

export function sniffPng(bytes: Bytes): Sniffed {
  let animated = false;
  let ended = false;
  let at = 8;
  for (;;) {
    const length = bytes.u32(at);
    if (length === undefined) break;
    const type = bytes.text(at + 4, 4);
    // acTL must come before the first IDAT, so a later one is not an animation.
    if (type === 'acTL') animated = (bytes.u32(at + 8) ?? 0) > 1;
    at += 12 + length;
    if (type === 'IEND') {
      ended = at <= bytes.length;
      break;
    }
  }
  const header = bytes.is(12, 'IHDR');
  return {
    type: 'png',
    width: header ? bytes.u32(16) : undefined,
    height: header ? bytes.u32(20) : undefined,
    animated,
    bitDepth: header ? bytes.u8(24) : undefined,
    truncated: !ended,
  };
}
