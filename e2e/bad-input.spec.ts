/** Files that are broken, odd or no pictures: a sentence with a remedy, or an edit that simply works. */
import { readFile } from 'node:fs/promises';
import { p3ToSrgb } from './support/icc';
import { text, type Likewise, type Upload } from './support/likewise';
import {
  calibrated,
  file,
  fixture,
  gradient,
  huge,
  samplePath,
  sixteenBit,
  transparent,
  wideGamut,
} from './support/pictures';
import { pixelAt, readPng, type Pixels } from './support/png';
import { expect, test } from './support/test';

const cut = (upload: Upload, share: number): Upload => ({
  ...upload,
  buffer: upload.buffer.subarray(0, Math.round(upload.buffer.length * share)),
});

test('what cannot be used is refused in words, and the picture that was there stays', async ({
  likewise,
}) => {
  const jpeg = file('photo.jpg', 'image/jpeg', await readFile(samplePath('a')));
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>';
  await likewise.open();
  await likewise.choose('b', gradient('first.png', 320, 200));
  await likewise.expectPicture('b', 320, 200);

  const refused: readonly (readonly [Upload, string, RegExp])[] = [
    [file('notes.jpg', 'image/jpeg', Buffer.from('Only words here.')), 'image/not-an-image', /not a picture/],
    [file('empty.png', 'image/png', Buffer.alloc(0)), 'image/empty', /empty/],
    [cut(gradient('cut.png', 300, 300), 0.6), 'image/damaged', /damaged or was cut off/],
    [cut(jpeg, 0.5), 'image/damaged', /damaged or was cut off/],
    [file('drawing.svg', 'image/svg+xml', Buffer.from(svg)), 'image/unsupported', /SVG/],
    [file('drawing.png', 'image/png', Buffer.from(svg)), 'image/unsupported', /SVG/],
    [huge(20000), 'image/too-large', /too large: 20000 × 20000/],
  ];
  for (const [upload, code, sentence] of refused) {
    await likewise.choose('b', upload);
    await likewise.expectError('b', code, sentence);
    await likewise.expectPicture('b', 320, 200);
  }

  // The page itself refuses what says that it is no picture.
  await likewise.choose('b', file('song.mp3', 'audio/mpeg', Buffer.from('ID3')));
  await expect(likewise.alert('b')).toContainText(text.notes.notImage.message);
  await expect(likewise.alert('b')).toContainText(text.notes.notImage.remedy);
  await likewise.expectPicture('b', 320, 200);

  // A good picture takes the words away.
  await likewise.choose('b', gradient('second.png', 200, 320));
  await likewise.expectPicture('b', 200, 320);
  await expect(likewise.alert('b')).toBeEmpty();
});

/** b as the engine has read it, and b′: the result at 0 % and at 100 %. */
async function edited(
  likewise: Likewise,
  a: Upload,
  a2: Upload,
  b: Upload,
): Promise<{ read: Pixels; made: Pixels }> {
  await likewise.choose('a', a);
  await likewise.choose('a2', a2);
  await likewise.choose('b', b);
  await expect(likewise.zone('b').locator('.zone-button')).toHaveAccessibleName(
    text.zone.replace('b', b.name),
  );
  const atStrength = async (percent: number): Promise<Pixels> => {
    await likewise.strength.fill(String(percent));
    await likewise.run();
    return readPng((await likewise.download()).bytes);
  };
  const [read, made] = [await atStrength(0), await atStrength(100)];
  expect([made.width, made.height]).toEqual([read.width, read.height]);
  return { read, made };
}

function expectColour(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expected.forEach((value, channel) =>
    expect(
      Math.abs((actual[channel] ?? 0) - value),
      `${actual.join()} is not ${expected.join()}`,
    ).toBeLessThanOrEqual(tolerance),
  );
}

/** Pictures out of the ordinary that simply work; one page for all, since a run must not mind the one before. */
test('odd pictures are edited as they look', async ({ likewise }) => {
  const [a, a2] = [gradient('a.png', 64, 64), gradient('a2.png', 64, 64, true)];
  await likewise.open('wasm');
  await likewise.steps(1);

  await test.step('transparent b, by a GIF and a WebP that move', async () => {
    const gif = await fixture('animated.gif', 'image/gif');
    const webp = await fixture('animated.webp', 'image/webp');
    const { read, made } = await edited(likewise, gif, webp, transparent(300, 200));
    for (const [x, y] of [
      [0, 0],
      [10, 150],
      [150, 100],
      [299, 199],
    ] as const) {
      const alpha = Math.round(255 * (1 - (x + 0.5) / 300));
      expect([pixelAt(read, x, y)[3], pixelAt(made, x, y)[3]]).toEqual([alpha, alpha]);
    }
    expectColour(pixelAt(read, 10, 150), [200, 60 + 120 * (150.5 / 200), 90], 2);
  });
  await test.step('moving b: its first frame', async () => {
    const { read } = await edited(likewise, a, a2, await fixture('animated.webp', 'image/webp'));
    expect([read.width, read.height]).toEqual([32, 24]);
    expectColour(pixelAt(read, 16, 12), [200, 40, 40, 255], 2);
  });
  await test.step('CMYK b, by one pixel and 16 bits', async () => {
    const cmyk = await fixture('cmyk.jpg', 'image/jpeg');
    const { read } = await edited(likewise, gradient('dot.png', 1, 1), sixteenBit(64, 48), cmyk);
    const [white = [], cyan = [], black = [], red = []] = [4, 12, 20, 28].map((x) => pixelAt(read, x, 8));
    expectColour(white, [255, 255, 255, 255], 6);
    expectColour(black, [20, 20, 20, 255], 36);
    expect(cyan[0]).toBeLessThan(90);
    expect(cyan[2]).toBeGreaterThan(180);
    expect(red[0]).toBeGreaterThan(180);
    expect(red[2]).toBeLessThan(90);
  });
  await test.step('b of one pixel', async () => {
    const { read } = await edited(likewise, a, a2, gradient('dot.png', 1, 1));
    expect([read.width, read.height]).toEqual([1, 1]);
  });
  await test.step('b turned by EXIF, with a wrong extension', async () => {
    const { buffer } = await fixture('rotated.jpg', 'image/jpeg');
    const { read } = await edited(likewise, a, a2, file('rotated.png', 'image/png', buffer));
    expect([read.width, read.height]).toEqual([16, 24]);
    expectColour(pixelAt(read, 8, 4), [220, 30, 30, 255], 12);
    expectColour(pixelAt(read, 8, 20), [30, 30, 220, 255], 12);
  });
  await test.step('wide gamut b becomes sRGB', async () => {
    const colour = [190, 110, 70] as const;
    const { read } = await edited(likewise, a, a2, wideGamut(60, 40, colour));
    expectColour(pixelAt(read, 30, 20), [...p3ToSrgb(colour), 255], 2);
  });
  await test.step('b with the gamma of sRGB stays as it is', async () => {
    const { read } = await edited(likewise, a, a2, calibrated(60, 40, [20, 40, 160]));
    expectColour(pixelAt(read, 30, 20), [20, 40, 160, 255], 0);
  });
  await test.step('16-bit b becomes 8 bits', async () => {
    const { read } = await edited(likewise, a, a2, sixteenBit(256, 8));
    for (const x of [0, 100, 255]) {
      const level = ((x + 0.5) / 256) * 255;
      expectColour(pixelAt(read, x, 4), [level, 255 - level, 30000 / 257, 255], 1);
    }
  });
  await test.step('every size and shape different', async () => {
    const wide = gradient('a.png', 640, 90);
    const { made } = await edited(
      likewise,
      wide,
      gradient('a2.png', 120, 500, true),
      gradient('b.png', 1501, 333),
    );
    expect([made.width, made.height]).toEqual([1501, 333]);
  });
});
