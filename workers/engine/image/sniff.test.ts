import { describe, expect, it } from 'vitest';
import { EngineFailure } from '../errors';
import { checkBytes } from './decode';
import { withoutGammaOfSrgb } from './png';
import { sniff } from './sniff';

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const be32 = (value: number): number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
const be16 = (value: number): number[] => [value >> 8, value & 255];
const le16 = (value: number): number[] => be16(value).reverse();
const le32 = (value: number): number[] => be32(value).reverse();
const bytes = (...parts: (number | number[])[]): Uint8Array => Uint8Array.from(parts.flat());

const chunk = (type: string, data: number[]): number[] => [
  ...be32(data.length),
  ...ascii(type),
  ...data,
  0,
  0,
  0,
  0,
];
const png = (width: number, height: number, ...middle: number[][]): Uint8Array =>
  bytes(
    [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a],
    chunk('IHDR', [...be32(width), ...be32(height), 16, 2, 0, 0, 0]),
    ...middle,
    chunk('IDAT', [1, 2, 3]),
    chunk('IEND', []),
  );

const segment = (marker: number, data: number[]): number[] => [
  0xff,
  marker,
  ...be16(data.length + 2),
  ...data,
];
const jpeg = (width: number, height: number): Uint8Array =>
  bytes(
    [0xff, 0xd8],
    // An EXIF thumbnail's own frame header must not be taken for the picture's.
    segment(0xe1, [...ascii('Exif'), 0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 0xff, 0xd9]),
    [0xff, 0xff],
    segment(0xc2, [8, ...be16(height), ...be16(width), 1]).slice(1),
    segment(0xda, [1, 2]),
    [5, 6, 0xff, 0x00, 7, 0xff, 0xd3, 8],
    [0xff, 0xd9],
  );

const riff = (...chunks: number[]): Uint8Array =>
  bytes(ascii('RIFF'), le32(chunks.length + 4), ascii('WEBP'), chunks);
const lossy = riff(...ascii('VP8 '), ...le32(10), 0, 0, 0, 0x9d, 0x01, 0x2a, ...le16(300), ...le16(200));
const lossless = riff(...ascii('VP8L'), ...le32(5), 0x2f, ...le32((639 | (479 << 14)) >>> 0));
const extended = (flags: number): Uint8Array =>
  riff(...ascii('VP8X'), ...le32(10), flags, 0, 0, 0, 0xff, 0x0f, 0x00, 0xff, 0x07, 0x00);

const frame = [0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
const gif = (frames: number): Uint8Array =>
  bytes(
    ascii('GIF89a'),
    le16(2),
    le16(1),
    0x80,
    0,
    0,
    [0, 0, 0, 255, 255, 255],
    [0x21, 0xf9, 4, 0, 0, 0, 0, 0],
    ...Array.from({ length: frames }, () => frame),
    0x3b,
  );

const box = (type: string, ...content: number[]): number[] => [
  ...be32(content.length + 8),
  ...ascii(type),
  ...content,
];
const bmff = (brand: string): Uint8Array =>
  bytes(
    box('ftyp', ...ascii(brand), ...be32(0), ...ascii('mif1'), ...ascii('miaf')),
    box(
      'meta',
      0,
      0,
      0,
      0,
      ...box('hdlr', 0, 0, 0, 0),
      ...box(
        'iprp',
        ...box(
          'ipco',
          ...box('ispe', 0, 0, 0, 0, ...be32(160), ...be32(120)),
          ...box('ispe', 0, 0, 0, 0, ...be32(4000), ...be32(3000)),
          ...box('pixi', 0, 0, 0, 0, 3, 10, 10, 10),
        ),
      ),
    ),
    box('mdat', 1, 2, 3, 4),
  );

const bmp = (width: number, height: number): Uint8Array =>
  bytes(
    ascii('BM'),
    le32(60),
    le32(0),
    le32(54),
    le32(40),
    le32(width),
    le32(height),
    new Array<number>(34).fill(0),
  );

describe('sniff', () => {
  it.each([
    ['png', png(7, 5), { width: 7, height: 5, bitDepth: 16, animated: false }],
    ['png', png(7, 5, chunk('acTL', [...be32(3), ...be32(0)])), { animated: true }],
    ['jpeg', jpeg(640, 480), { width: 640, height: 480, bitDepth: 8, animated: false }],
    ['webp', lossy, { width: 300, height: 200, animated: false }],
    ['webp', lossless, { width: 640, height: 480, animated: false }],
    ['webp', extended(0), { width: 4096, height: 2048, animated: false }],
    ['webp', extended(2), { animated: true }],
    ['gif', gif(1), { width: 2, height: 1, animated: false }],
    ['gif', gif(3), { animated: true }],
    ['avif', bmff('avif'), { width: 4000, height: 3000, bitDepth: 10, animated: false }],
    ['avif', bmff('avis'), { animated: true }],
    ['heic', bmff('heic'), { width: 4000, height: 3000 }],
    ['bmp', bmp(9, -4), { width: 9, height: 4 }],
    ['tiff', bytes(ascii('II*\0'), le32(8)), {}],
    ['svg', bytes(ascii('<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="x">')), {}],
  ] as const)('knows %s', (type, data, expected) => {
    expect(sniff(data)).toMatchObject({ type, truncated: false, ...expected });
  });

  it.each([
    ['png', png(7, 5)],
    ['jpeg', jpeg(640, 480)],
    ['webp', lossy],
    ['gif', gif(2)],
    ['avif', bmff('avif')],
    ['bmp', bmp(9, 4).subarray(0, 59)],
  ] as const)('sees that a %s was cut off', (type, data) => {
    expect(sniff(data.subarray(0, data.length - 1))).toMatchObject({ type, truncated: true });
  });

  it.each([
    ['text', bytes(ascii('BMW is a company, and this is a text about it.'))],
    ['html', bytes(ascii('<!doctype html><html><body><svg></svg>'))],
    ['a zip', bytes(ascii('PK\u0003\u0004'), 0, 0, 0, 0)],
    ['a video', bytes(box('ftyp', ...ascii('isom'), ...be32(0), ...ascii('mp42')))],
    ['one byte', bytes(0x89)],
  ])('takes %s for no image', (_, data) => {
    expect(sniff(data)).toBeUndefined();
  });
});

function refusal(data: Uint8Array): string {
  try {
    checkBytes(data);
  } catch (thrown) {
    if (thrown instanceof EngineFailure) return thrown.detail.code;
    throw thrown;
  }
  return 'accepted';
}

describe('checkBytes', () => {
  it.each<[string, Uint8Array, string]>([
    ['nothing', bytes(), 'image/empty'],
    ['text', bytes(ascii('hello')), 'image/not-an-image'],
    ['SVG', bytes(ascii('<svg width="3">')), 'image/unsupported'],
    ['a side over 16384', png(16385, 1), 'image/too-large'],
    ['over 120 megapixels', png(12000, 10001), 'image/too-large'],
    ['a huge AVIF, cut off', png(60000, 60000).subarray(0, 40), 'image/too-large'],
    ['no width', png(0, 5), 'image/damaged'],
    ['a JPEG without its end', jpeg(10, 10).subarray(0, 40), 'image/damaged'],
    ['one pixel', png(1, 1), 'accepted'],
    ['exactly 120 megapixels', png(12000, 10000), 'accepted'],
  ])('%s: %s', (_, data, code) => {
    expect(refusal(data)).toBe(code);
  });
});

describe('a PNG that says sRGB by its gamma', () => {
  const gamma = (value: number): number[] => chunk('gAMA', be32(value));
  const primaries = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
  const colours = chunk('cHRM', primaries.flatMap(be32));
  const cut = async (data: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await withoutGammaOfSrgb(new Blob([data.slice()]), data).arrayBuffer());

  it('is decoded without it', async () => {
    const noted = chunk('tEXt', ascii('by hand'));
    expect(await cut(png(7, 5, gamma(45_455), noted, colours))).toEqual(png(7, 5, noted));
    expect(await cut(png(7, 5, gamma(45_455)))).toEqual(png(7, 5));
  });

  it.each([
    ['of another gamma', png(7, 5, gamma(100_000))],
    [
      'of other primaries',
      png(7, 5, gamma(45_455), chunk('cHRM', primaries.map((x) => x + 900).flatMap(be32))),
    ],
    ['with a profile', png(7, 5, gamma(45_455), chunk('iCCP', [1, 2, 3]))],
  ])('stays as it is: %s', async (_, data) => {
    expect(await cut(data)).toEqual(data);
  });
});
