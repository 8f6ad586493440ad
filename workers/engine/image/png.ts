/** PNG and APNG: signature, then chunks of length, type, data and checksum. */
import { Bytes } from './bytes';
import type { Sniffed } from './sniff';

/** gAMA and cHRM of sRGB as the PNG specification gives them: a decoder that knows no sRGB chunk comes near it so. */
const SRGB_GAMMA = 45_455;
const SRGB_CHROMATICITIES = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];

interface Chunk {
  readonly type: string | undefined;
  /** Where it begins, where its data does, and where the next one would. */
  readonly start: number;
  readonly data: number;
  readonly end: number;
}

/** The chunks up to IEND, or as far as there are any; the last one may end after the file does. */
function* chunksOf(bytes: Bytes): Generator<Chunk> {
  let start = 8;
  for (;;) {
    const length = bytes.u32(start);
    if (length === undefined) return;
    const type = bytes.text(start + 4, 4);
    const end = start + 12 + length;
    yield { type, start, data: start + 8, end };
    if (type === 'IEND') return;
    start = end;
  }
}

/**
 * A PNG without its gAMA and cHRM chunks where these are those of sRGB and nothing else says what its colours are.
 * ImageMagick and others write them and mean sRGB; browsers take the gamma at its word and darken the shadows by up
 * to nine levels, which would be part of every edit.
 */
export function withoutGammaOfSrgb(blob: Blob, data: Uint8Array): Blob {
  const bytes = new Bytes(data);
  const left: { readonly start: number; readonly end: number }[] = [];
  for (const { type, start, data: at, end } of chunksOf(bytes)) {
    if (type === 'IDAT') break;
    if (type === 'sRGB' || type === 'iCCP' || type === 'cICP') return blob;
    const expected = type === 'gAMA' ? [SRGB_GAMMA] : type === 'cHRM' ? SRGB_CHROMATICITIES : undefined;
    if (expected === undefined) continue;
    if (!expected.every((value, k) => bytes.u32(at + 4 * k) === value)) return blob;
    left.push({ start, end });
  }
  if (left.length === 0) return blob;
  const starts = [0, ...left.map(({ end }) => end)];
  return new Blob(starts.map((from, k) => blob.slice(from, left[k]?.start)));
}

export function sniffPng(bytes: Bytes): Sniffed {
  let animated = false;
  let ended = false;
  for (const { type, data, end } of chunksOf(bytes)) {
    // acTL must come before the first IDAT, so a later one is not an animation.
    if (type === 'acTL') animated = (bytes.u32(data) ?? 0) > 1;
    if (type === 'IEND') ended = end <= bytes.length;
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
