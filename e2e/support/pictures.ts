/** Pictures made by code, and the few in fixtures/ that only another program could encode. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { displayP3 } from './icc';
import type { Upload } from './likewise';
import { chunk, writePng } from './png';

export const file = (name: string, mimeType: string, buffer: Buffer): Upload => ({ name, mimeType, buffer });

export function samplePath(name: 'a' | 'a2' | 'b', sample = 'warm'): string {
  return fileURLToPath(new URL(`../../public/samples/${sample}/${name}.jpg`, import.meta.url));
}

export async function fixture(name: string, mimeType: string): Promise<Upload> {
  return file(name, mimeType, await readFile(new URL(`../fixtures/${name}`, import.meta.url)));
}

/** RGBA from a function of x and y in 0..1. */
function painted(
  width: number,
  height: number,
  at: (x: number, y: number) => readonly [number, number, number, number],
): Uint8Array {
  const rows = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      rows.set(at((x + 0.5) / width, (y + 0.5) / height), (y * width + x) * 4);
  return rows;
}

/** A soft picture of any size; `warm` is the same with more red and less blue: a pair's edited half. */
export function gradient(name: string, width: number, height: number, warm = false): Upload {
  const shift = warm ? 35 : 0;
  const rows = painted(width, height, (x, y) => [
    40 + 170 * x + shift,
    50 + 150 * y,
    200 - 120 * x - shift,
    255,
  ]);
  return file(name, 'image/png', writePng(width, height, rows, { colourType: 6, depth: 8 }));
}

/** A picture with something to see everywhere, and so many black pixels around it. */
export function waves(name: string, width: number, height: number, border = 0): Upload {
  const [across, down] = [width + 2 * border, height + 2 * border];
  const rows = painted(across, down, (x, y) => {
    const [column, row] = [x * across - border, y * down - border];
    if (column < 0 || row < 0 || column > width || row > height) return [0, 0, 0, 255];
    const value = 130 + 60 * Math.sin(column ** 2 / 290) + 50 * Math.sin(row ** 2 / 370 + column / 9);
    return [value, 240 - value, value / 2 + 60, 255];
  });
  return file(name, 'image/png', writePng(across, down, rows, { colourType: 6, depth: 8 }));
}

/** Fully opaque at the left, fully transparent at the right. */
export function transparent(width: number, height: number): Upload {
  const rows = painted(width, height, (x, y) => [200, 60 + 120 * y, 90, Math.round(255 * (1 - x))]);
  return file('transparent.png', 'image/png', writePng(width, height, rows, { colourType: 6, depth: 8 }));
}

/** 16 bits a channel; the upper byte grows with x, the lower one is noise to the eye. */
export function sixteenBit(width: number, height: number): Upload {
  const rows = Buffer.alloc(width * height * 6);
  for (let i = 0; i < width * height; i += 1) {
    const level = Math.round((((i % width) + 0.5) / width) * 65535);
    for (const [channel, value] of [level, 65535 - level, 30000].entries())
      rows.writeUInt16BE(value, i * 6 + channel * 2);
  }
  return file('deep.png', 'image/png', writePng(width, height, rows, { colourType: 2, depth: 16 }));
}

/** One colour, whose numbers are Display P3's. */
export function wideGamut(width: number, height: number, colour: readonly [number, number, number]): Upload {
  const rows = painted(width, height, () => [...colour, 255]);
  const profile = chunk(
    'iCCP',
    Buffer.concat([Buffer.from('Display P3\0\0', 'latin1'), deflateSync(displayP3())]),
  );
  return file(
    'p3.png',
    'image/png',
    writePng(width, height, rows, { colourType: 6, depth: 8, extra: [profile] }),
  );
}

/** sRGB of one colour, with the gamma and chromaticities of sRGB written beside it, as ImageMagick does. */
export function calibrated(width: number, height: number, colour: readonly [number, number, number]): Upload {
  const words = (values: readonly number[]): Uint8Array => {
    const data = Buffer.alloc(4 * values.length);
    values.forEach((value, k) => data.writeUInt32BE(value, 4 * k));
    return data;
  };
  const extra = [
    chunk('gAMA', words([45_455])),
    chunk('cHRM', words([31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000])),
  ];
  const rows = painted(width, height, () => [...colour, 255]);
  return file('gamma.png', 'image/png', writePng(width, height, rows, { colourType: 6, depth: 8, extra }));
}

/** A real picture of one bit a pixel: small on disk, 1.6 GB when it is opened. */
export function huge(side: number): Upload {
  const rows = new Uint8Array(Math.ceil(side / 8) * side);
  return file('huge.png', 'image/png', writePng(side, side, rows, { colourType: 0, depth: 1 }));
}
