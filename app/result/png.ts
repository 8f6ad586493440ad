/**
 * Puts text into a PNG file: an uncompressed iTXt chunk (UTF-8, PNG specification 11.3.3.4) after
 * IHDR, without touching the picture data. And reads it back.
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;
/** Signature (8) and IHDR (4 length, 4 type, 13 data, 4 checksum). */
const AFTER_IHDR = 33;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** CRC-32 as PNG and zip define it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** `keyword`: 1–79 Latin letters, digits or spaces. */
export function textChunk(keyword: string, text: string): Uint8Array<ArrayBuffer> {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(keyword))
    throw new RangeError(`Not a PNG keyword: ${keyword}`);
  // keyword, 0, compression flag 0, method 0, empty language, 0, empty translated keyword, 0, text
  return chunk('iTXt', new TextEncoder().encode(`${keyword}\0\0\0\0\0${text}`));
}

/** The file with the text in it; the picture's own bytes are not copied. */
export async function withText(png: Blob, entries: Readonly<Record<string, string>>): Promise<Blob> {
  const head = new Uint8Array(await png.slice(0, AFTER_IHDR).arrayBuffer());
  if (head.length < AFTER_IHDR || !isPng(head)) throw new TypeError('Not a PNG file');
  const chunks = Object.entries(entries).map(([keyword, text]) => textChunk(keyword, text));
  return new Blob([head, ...chunks, png.slice(AFTER_IHDR)], { type: 'image/png' });
}

/** Every iTXt entry that `withText` can have written. */
export async function readText(png: Blob): Promise<Record<string, string>> {
  const bytes = new Uint8Array(await png.arrayBuffer());
  if (!isPng(bytes)) throw new TypeError('Not a PNG file');
  const view = new DataView(bytes.buffer);
  const entries: Record<string, string> = {};
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type !== 'iTXt') continue;
    const data = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    const [keyword, , , , , ...rest] = new TextDecoder().decode(data).split('\0');
    if (keyword) entries[keyword] = rest.join('\0');
  }
  return entries;
}
