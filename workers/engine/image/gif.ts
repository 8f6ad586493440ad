/** GIF: screen descriptor, then image and extension blocks up to the trailer. */
import type { Bytes } from './bytes';
import type { Sniffed } from './sniff';

function tableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** Behind a chain of sub-blocks, or undefined when it is cut off. */
function skipSubBlocks(bytes: Bytes, from: number): number | undefined {
  let at = from;
  for (;;) {
    const length = bytes.u8(at);
    if (length === undefined) return undefined;
    at += 1 + length;
    if (length === 0) return at;
  }
}

export function sniffGif(bytes: Bytes): Sniffed {
  let frames = 0;
  let ended = false;
  let at: number | undefined = 13 + tableBytes(bytes.u8(10) ?? 0);
  while (at !== undefined && !ended) {
    const kind = bytes.u8(at);
    if (kind === 0x3b) {
      ended = true;
    } else if (kind === 0x2c) {
      const flags = bytes.u8(at + 9);
      at = flags === undefined ? undefined : skipSubBlocks(bytes, at + 11 + tableBytes(flags));
      if (at !== undefined) frames += 1;
    } else if (kind === 0x21) {
      at = skipSubBlocks(bytes, at + 2);
    } else {
      break;
    }
  }
  return {
    type: 'gif',
    width: bytes.u16(6, true),
    height: bytes.u16(8, true),
    animated: frames > 1,
    bitDepth: 8,
    truncated: !ended,
  };
}
