/** PNG files, as far as the tests need them: written with any depth and extra chunks, read as 8 bits. */
import { deflateSync, inflateSync } from 'node:zlib';
import { crc32 } from '../../app/result/png';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

/** `[height, width, 4]`, 8 bits, not premultiplied. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), 4 + body.length);
  return out;
}

export interface Format {
  /** 0 grey, 2 RGB, 6 RGBA */
  readonly colourType: 0 | 2 | 6;
  readonly depth: 1 | 8 | 16;
  /** Between IHDR and IDAT. */
  readonly extra?: readonly Buffer[];
}

/** `rows`: the samples of all rows, packed as PNG does it, without filter bytes. */
export function writePng(
  width: number,
  height: number,
  rows: Uint8Array,
  { colourType, depth, extra = [] }: Format,
): Buffer {
  const stride = Math.ceil((width * (CHANNELS[colourType] ?? 0) * depth) / 8);
  const raw = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y += 1)
    raw.set(rows.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...extra,
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', new Uint8Array()),
  ]);
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [fromLeft, fromUp, fromCorner] = [guess - left, guess - up, guess - corner].map(Math.abs) as [
    number,
    number,
    number,
  ];
  if (fromLeft <= fromUp && fromLeft <= fromCorner) return left;
  return fromUp <= fromCorner ? up : corner;
}

/** What browsers write: 8 bits, RGB or RGBA, not interlaced. */
export function readPng(file: Buffer): Pixels {
  if (!SIGNATURE.every((byte, index) => file[index] === byte)) throw new TypeError('not a PNG file');
  const parts: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const end = at + 8 + file.readUInt32BE(at);
    if (file.readUInt32BE(end) !== crc32(file.subarray(at + 4, end)))
      throw new TypeError('a chunk is damaged');
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, end));
  }
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const [depth, colourType, , , interlaced] = file.subarray(24, 29);
  const channels = CHANNELS[colourType ?? 0] ?? 0;
  if (depth !== 8 || channels < 3 || interlaced !== 0) throw new TypeError('not a PNG as browsers write it');
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const data = new Uint8Array(width * height * 4).fill(255);
  let before = new Uint8Array(stride);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)] ?? 0;
    const row = Uint8Array.from(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let i = 0; i < stride; i += 1) {
      const left = i < channels ? 0 : (row[i - channels] ?? 0);
      const up = before[i] ?? 0;
      const corner = i < channels ? 0 : (before[i - channels] ?? 0);
      const add = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      row[i] = (row[i] ?? 0) + add;
    }
    for (let x = 0; x < width; x += 1)
      data.set(row.subarray(x * channels, (x + 1) * channels), (y * width + x) * 4);
    before = row;
  }
  return { width, height, data };
}

/** One pixel as [red, green, blue, alpha]. */
export function pixelAt({ width, data }: Pixels, x: number, y: number): readonly number[] {
  return [...data.subarray((y * width + x) * 4, (y * width + x + 1) * 4)];
}

/** Peak signal-to-noise ratio over red, green and blue, in dB. */
export function psnr(one: Pixels, two: Pixels): number {
  if (one.width !== two.width || one.height !== two.height) return 0;
  let sum = 0;
  for (let i = 0; i < one.data.length; i += 1)
    if (i % 4 !== 3) sum += ((one.data[i] ?? 0) - (two.data[i] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / (one.width * one.height * 3)));
}
