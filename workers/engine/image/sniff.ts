/** What a file is, read from its bytes: names and extensions lie, and decoders forgive too much. */
import { sniffBmff } from './bmff';
import { Bytes } from './bytes';
import { sniffGif } from './gif';
import { sniffJpeg } from './jpeg';
import { sniffPng } from './png';
import { isSvg, sniffBmp, sniffTiff } from './others';
import { sniffWebp } from './webp';

export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif' | 'bmp' | 'svg' | 'heic' | 'tiff';

export interface Sniffed {
  readonly type: ImageType;
  /** Stored size in pixels, before EXIF orientation; undefined where the header does not say. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly animated: boolean;
  /** Bits per channel, where cheap to know. */
  readonly bitDepth: number | undefined;
  /** The structure ends too early: the file was cut off. */
  readonly truncated: boolean;
}

/** `undefined` when the bytes are no image that we know. The whole file is given. */
export function sniff(data: Uint8Array): Sniffed | undefined {
  const bytes = new Bytes(data);
  if (bytes.u32(0) === 0x89504e47) return sniffPng(bytes);
  if (bytes.u16(0) === 0xffd8) return sniffJpeg(bytes);
  if (bytes.is(0, 'RIFF') && bytes.is(8, 'WEBP')) return sniffWebp(bytes);
  if (bytes.is(0, 'GIF87a') || bytes.is(0, 'GIF89a')) return sniffGif(bytes);
  if (bytes.is(4, 'ftyp')) return sniffBmff(bytes);
  if (bytes.is(0, 'BM')) return sniffBmp(bytes);
  if (bytes.is(0, 'II*\0') || bytes.is(0, 'MM\0*')) return sniffTiff();
  if (isSvg(data)) {
    return {
      type: 'svg',
      width: undefined,
      height: undefined,
      animated: false,
      bitDepth: undefined,
      truncated: false,
    };
  }
  return undefined;
}
