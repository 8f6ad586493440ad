/** Formats that need only a glance. */
import type { Bytes } from './bytes';
import type { Sniffed } from './sniff';

export function sniffBmp(bytes: Bytes): Sniffed | undefined {
  const headerSize = bytes.u32(14, true);
  if (headerSize === undefined) return undefined;
  const old = headerSize === 12;
  if (!old && (headerSize < 40 || headerSize > 124)) return undefined; // "BM" begins many a text
  const width = old ? bytes.u16(18, true) : bytes.i32le(18);
  const height = old ? bytes.u16(20, true) : bytes.i32le(22);
  return {
    type: 'bmp',
    width: width === undefined ? undefined : Math.abs(width),
    // A negative height means that rows run from top to bottom.
    height: height === undefined ? undefined : Math.abs(height),
    animated: false,
    bitDepth: 8,
    truncated: (bytes.u32(2, true) ?? 0) > bytes.length,
  };
}

export function sniffTiff(): Sniffed {
  return {
    type: 'tiff',
    width: undefined,
    height: undefined,
    animated: false,
    bitDepth: undefined,
    truncated: false,
  };
}

/** An `<svg` element near the start, behind at most a declaration, a doctype and comments. */
export function isSvg(data: Uint8Array): boolean {
  const start = new TextDecoder().decode(data.subarray(0, 4096));
  return /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*|<!DOCTYPE[^>]*(\[[\s\S]*?\])?[^>]*>\s*)*<svg[\s>]/i.test(
    start,
  );
}
