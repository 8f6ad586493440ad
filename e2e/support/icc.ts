/** A Display P3 colour profile (ICC.1:2010, matrix and tone curve), and what its colours are in sRGB. */

const fixed = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeInt32BE(Math.round(value * 65536));
  return out;
};
const tag = (type: string, ...values: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from(type, 'latin1'), Buffer.alloc(4), ...values]);
const xyz = (...values: readonly number[]): Buffer => tag('XYZ ', ...values.map(fixed));

/** sRGB's own curve, as a parametric curve of type 3. */
const curve = tag(
  'para',
  Buffer.from([0, 3, 0, 0]),
  ...[2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045].map(fixed),
);

function words(text: string): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32BE(1, 0);
  head.writeUInt32BE(12, 4);
  head.write('enUS', 8, 'latin1');
  head.writeUInt32BE(text.length * 2, 12);
  head.writeUInt32BE(28, 16);
  return tag('mluc', head, Buffer.from(text, 'utf16le').swap16());
}

export function displayP3(): Buffer {
  const tags: readonly (readonly [string, Buffer])[] = [
    ['desc', words('Display P3')],
    ['cprt', words('CC0')],
    ['wtpt', xyz(0.9642, 1, 0.82491)],
    ['rXYZ', xyz(0.51512, 0.2412, -0.00105)],
    ['gXYZ', xyz(0.29198, 0.69225, 0.04189)],
    ['bXYZ', xyz(0.1571, 0.06657, 0.78407)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ];
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length, 0);
  const bodies: Buffer[] = [];
  let at = 128 + table.length;
  tags.forEach(([name, body], index) => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    table.write(name, 4 + index * 12, 'latin1');
    table.writeUInt32BE(at, 8 + index * 12);
    table.writeUInt32BE(body.length, 12 + index * 12);
    bodies.push(padded);
    at += padded.length;
  });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x04300000, 8);
  header.write('mntrRGB XYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  Buffer.concat([0.9642, 1, 0.82491].map(fixed)).copy(header, 68);
  return Buffer.concat([header, table, ...bodies]);
}

/** Display P3 to sRGB, both 0..255. */
export function p3ToSrgb(colour: readonly number[]): readonly number[] {
  const [r = 0, g = 0, b = 0] = colour.map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return [
    1.22494 * r - 0.22494 * g,
    -0.04206 * r + 1.04206 * g,
    -0.01964 * r - 0.07864 * g + 1.09827 * b,
  ].map((linear) => {
    const v = Math.min(1, Math.max(0, linear));
    return Math.round(255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055));
  });
}
