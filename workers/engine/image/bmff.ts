/** AVIF and HEIC: ISO base media boxes; `meta/iprp/ipco/ispe` holds the sizes. */
import type { Bytes } from './bytes';
import type { ImageType, Sniffed } from './sniff';

interface Box {
  readonly type: string;
  /** Where the content starts and the box ends; `end` may lie behind the data. */
  readonly start: number;
  readonly end: number;
}

function* boxes(bytes: Bytes, from: number, to: number): Generator<Box> {
  let at = from;
  while (at + 8 <= to) {
    let size = bytes.u32(at);
    if (size === undefined) return;
    let header = 8;
    if (size === 1) {
      size = (bytes.u32(at + 8) ?? 0) * 2 ** 32 + (bytes.u32(at + 12) ?? 0);
      header = 16;
    } else if (size === 0) {
      size = to - at; // up to the end of the file
    }
    if (size < header) return;
    yield { type: bytes.text(at + 4, 4), start: at + header, end: at + size };
    at += size;
  }
}

function find(bytes: Bytes, from: number, to: number, type: string): Box | undefined {
  for (const box of boxes(bytes, from, to)) if (box.type === type) return box;
  return undefined;
}

function brands(bytes: Bytes): readonly string[] {
  const end = Math.min(bytes.u32(0) ?? 0, bytes.length);
  const names = [bytes.text(8, 4)];
  for (let at = 16; at + 4 <= end; at += 4) names.push(bytes.text(at, 4));
  return names;
}

function typeOf(names: readonly string[]): ImageType | undefined {
  if (names.includes('avif') || names.includes('avis')) return 'avif';
  const heif = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'];
  return names.some((name) => heif.includes(name)) ? 'heic' : undefined;
}

/** The largest of the sizes: thumbnails and tiles of a grid have smaller ones. */
function largest(bytes: Bytes): {
  width: number | undefined;
  height: number | undefined;
  bitDepth: number | undefined;
} {
  let width: number | undefined;
  let height: number | undefined;
  let bitDepth: number | undefined;
  const meta = find(bytes, 0, bytes.length, 'meta');
  const properties = meta === undefined ? undefined : find(bytes, meta.start + 4, meta.end, 'iprp');
  const container =
    properties === undefined ? undefined : find(bytes, properties.start, properties.end, 'ipco');
  if (container === undefined) return { width, height, bitDepth };
  for (const box of boxes(bytes, container.start, container.end)) {
    if (box.type === 'pixi') bitDepth ??= bytes.u8(box.start + 5);
    if (box.type !== 'ispe') continue;
    const [w, h] = [bytes.u32(box.start + 4), bytes.u32(box.start + 8)];
    if (w !== undefined && h !== undefined && w * h > (width ?? 0) * (height ?? 0)) [width, height] = [w, h];
  }
  return { width, height, bitDepth };
}

export function sniffBmff(bytes: Bytes): Sniffed | undefined {
  const names = brands(bytes);
  const type = typeOf(names);
  if (type === undefined) return undefined; // a video, most likely
  let truncated = false;
  for (const box of boxes(bytes, 0, bytes.length)) truncated = box.end > bytes.length;
  return { type, ...largest(bytes), animated: names[0] === 'avis', truncated };
}
