import { describe, expect, it } from 'vitest';
import { crc32, readText, textChunk, withText } from './png';

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

/** The chunks of a PNG file; the picture data in it is never looked at. */
function tinyPng(): Blob {
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const header = chunk('IHDR', Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0));
  const data = chunk('IDAT', Uint8Array.of(1, 2, 3, 4));
  return new Blob([signature, header, data, chunk('IEND', new Uint8Array())], { type: 'image/png' });
}

describe('crc32', () => {
  it('agrees with the check value of the standard and with the IEND chunk of every PNG', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new TextEncoder().encode('IEND'))).toBe(0xae426082);
  });
});

describe('withText', () => {
  it('reads back what it wrote, in any script', async () => {
    const entries = { Software: 'Likewise', 'Likewise recipe': '{"seed":7,"note":"Übung 例 ✓"}' };
    expect(await readText(await withText(tinyPng(), entries))).toEqual(entries);
  });

  it('puts the chunk between IHDR and the rest and changes nothing else', async () => {
    const before = new Uint8Array(await tinyPng().arrayBuffer());
    const added = textChunk('Software', 'x');
    const after = new Uint8Array(await (await withText(tinyPng(), { Software: 'x' })).arrayBuffer());
    expect(after.subarray(0, 33)).toEqual(before.subarray(0, 33));
    expect(after.subarray(33, 33 + added.length)).toEqual(added);
    expect(after.subarray(33 + added.length)).toEqual(before.subarray(33));
  });

  it('refuses what is not a PNG file', async () => {
    await expect(withText(new Blob(['GIF89a']), {})).rejects.toThrow(TypeError);
  });

  it('refuses keywords that PNG does not allow', () => {
    for (const keyword of ['', ' lead', 'trail ', 'ä', 'x'.repeat(80)])
      expect(() => textChunk(keyword, '')).toThrow(RangeError);
  });
});
