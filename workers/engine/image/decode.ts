/** A dropped file to pixels, with every refusal in plain words. */
import { EngineFailure } from '../errors';
import type { RgbaImage } from '../protocol';
import { withoutGammaOfSrgb } from './png';
import { sniff, type ImageType, type Sniffed } from './sniff';

export const MAX_SIDE = 16384;
export const MAX_PIXELS = 120e6;
const MAX_BYTES = 512 * 1024 * 1024;

/** Rows per read: a canvas of the whole image would double the memory, and Safari's limit is low. */
const STRIP_PIXELS = 4e6;

const NAMES: Readonly<Record<ImageType, string>> = {
  png: 'PNG',
  jpeg: 'JPEG',
  webp: 'WebP',
  gif: 'GIF',
  avif: 'AVIF',
  bmp: 'BMP',
  svg: 'SVG',
  heic: 'HEIC',
  tiff: 'TIFF',
};

function tooLarge(what: string): EngineFailure {
  return new EngineFailure(
    'image/too-large',
    `This picture is too large: ${what}.`,
    'Make it smaller than 120 megapixels and 16384 pixels a side, and drop it again.',
  );
}

function damaged(cause?: unknown): EngineFailure {
  return new EngineFailure(
    'image/damaged',
    'This picture is damaged or was cut off.',
    'Copy or download it again, or open it in another program and save it anew.',
    cause,
  );
}

/** Refuses by size; also called again with the decoded size, which no header can fake. */
function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw damaged(`${width} × ${height}`);
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS)
    throw tooLarge(`${width} × ${height} pixels`);
}

/**
 * Everything that can be known before decoding.
 * @throws EngineFailure `image/…`
 */
export function checkBytes(data: Uint8Array): Sniffed {
  if (data.length === 0) {
    throw new EngineFailure(
      'image/empty',
      'This file is empty.',
      'Choose another file, or save the picture again.',
    );
  }
  const found = sniff(data);
  if (found === undefined) {
    throw new EngineFailure(
      'image/not-an-image',
      'This file is not a picture.',
      'Drop a PNG, JPEG, WebP, AVIF, GIF or BMP file.',
    );
  }
  if (found.type === 'svg') {
    throw new EngineFailure(
      'image/unsupported',
      'SVG drawings have no pixels to edit.',
      'Save the drawing as PNG and drop that.',
    );
  }
  if (found.width !== undefined && found.height !== undefined) checkSize(found.width, found.height);
  if (found.truncated) throw damaged('the file ends before its end mark');
  return found;
}

async function decodeBitmap(blob: Blob): Promise<ImageBitmap> {
  if (blob.size > MAX_BYTES) throw tooLarge('the file is over 512 MB');
  let data: Uint8Array;
  try {
    data = new Uint8Array(await blob.arrayBuffer());
  } catch (thrown) {
    throw new EngineFailure(
      'image/damaged',
      'This file could not be read.',
      'Check that it still exists and drop it again.',
      thrown,
    );
  }
  const found = checkBytes(data);
  try {
    const shown = found.type === 'png' ? withoutGammaOfSrgb(blob, data) : blob;
    return await createImageBitmap(shown, {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'default',
    });
  } catch (thrown) {
    if (found.type === 'heic' || found.type === 'tiff' || found.type === 'avif') {
      throw new EngineFailure(
        'image/unsupported',
        `This browser cannot open ${NAMES[found.type]} pictures.`,
        'Save the picture as JPEG or PNG and drop that.',
        thrown,
      );
    }
    throw damaged(thrown);
  }
}

function readPixels(bitmap: ImageBitmap): RgbaImage {
  const { width, height } = bitmap;
  const data = new Uint8ClampedArray(width * height * 4);
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
  if (context === null) throw new Error('no 2d canvas in this worker');
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    data.set(context.getImageData(0, 0, width, count).data, top * width * 4);
  }
  return { width, height, data };
}

/**
 * The first frame of a picture in sRGB, upright.
 * @throws EngineFailure `image/…`
 */
export async function decodeImage(blob: Blob): Promise<RgbaImage> {
  const bitmap = await decodeBitmap(blob);
  try {
    checkSize(bitmap.width, bitmap.height);
    return readPixels(bitmap);
  } finally {
    bitmap.close();
  }
}

/** Size of a picture after EXIF orientation; it is decoded, so a broken one is refused here. */
export async function inspectImage(blob: Blob): Promise<{ width: number; height: number }> {
  const bitmap = await decodeBitmap(blob);
  const { width, height } = bitmap;
  bitmap.close();
  checkSize(width, height);
  return { width, height };
}
