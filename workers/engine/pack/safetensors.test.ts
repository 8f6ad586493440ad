import { describe, expect, it } from 'vitest';
import { EngineFailure } from '../errors';
import { f32, rawSafetensors, safetensors } from '../testing/tiny-pack';
import { expectShape, openSafetensors } from './safetensors';

function refusal(buffer: ArrayBuffer): string {
  try {
    openSafetensors(buffer, 'w.safetensors');
  } catch (thrown) {
    if (thrown instanceof EngineFailure && thrown.detail.code === 'pack/bad-tensor')
      return thrown.detail.message;
    throw thrown;
  }
  return 'accepted';
}

const entry = (from: number, to: number, shape = [to - from], dtype = 'F16') => ({
  dtype,
  shape: dtype === 'F16' ? shape.map((side) => side / 2) : shape,
  data_offsets: [from, to],
});

describe('openSafetensors', () => {
  it('reads what was written', () => {
    const file = openSafetensors(safetensors({ one: f32([2, 3], (i) => i), two: f32([1], () => 7) }), 'w');
    expect([...file.entries.keys()]).toEqual(['one', 'two']);
    expect(file.entries.get('one')?.shape).toEqual([2, 3]);
    expect([...file.read('one')]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...file.read('two')]).toEqual([7]);
  });

  it.each([0, 1, 2, 3])('reads at any alignment (+%i)', (padding) => {
    const header = JSON.stringify({
      half: entry(0, 4),
      one: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
    });
    const data = new Uint8Array(8);
    new DataView(data.buffer).setUint16(0, 0x3c00, true);
    new DataView(data.buffer).setUint16(2, 0xc000, true);
    new DataView(data.buffer).setFloat32(4, 2.5, true);
    const file = openSafetensors(rawSafetensors(header + ' '.repeat(padding), data), 'w');
    expect([...file.read('half')]).toEqual([0x3c00, 0xc000]);
    expect([...file.read('one')]).toEqual([2.5]);
  });

  it('accepts scalars and empty tensors', () => {
    const header = { scalar: { dtype: 'F32', shape: [], data_offsets: [0, 4] }, none: entry(4, 4, [0]) };
    const file = openSafetensors(rawSafetensors(header, new Uint8Array(4)), 'w');
    expect([...file.read('scalar')]).toEqual([0]);
    expect(file.read('none')).toHaveLength(0);
  });

  it.each<[string, ArrayBuffer, RegExp]>([
    ['no header', new ArrayBuffer(7), /shorter than its header/],
    ['a huge header', rawSafetensors('{}', new Uint8Array(), 2 ** 40), /longer than 16 MiB/],
    ['a header that ends behind the file', rawSafetensors('{}', new Uint8Array(), 3), /cut off/],
    ['a header that is not JSON', rawSafetensors('{"a":'), /not JSON/],
    ['a header that is a list', rawSafetensors([]), /not an object/],
    [
      'an unknown type',
      rawSafetensors({ a: entry(0, 4, [4], 'I8') }, new Uint8Array(4)),
      /unknown type "I8"/,
    ],
    ['a negative side', rawSafetensors({ a: entry(0, 4, [-4]) }, new Uint8Array(4)), /no valid shape/],
    [
      'a shape that does not fit',
      rawSafetensors({ a: entry(0, 4, [6]) }, new Uint8Array(4)),
      /has 4 bytes where its shape needs 6/,
    ],
    [
      'a range that runs backwards',
      rawSafetensors({ a: entry(4, 0, [4]) }, new Uint8Array(4)),
      /bytes where/,
    ],
    [
      'three offsets',
      rawSafetensors({ a: { dtype: 'F16', shape: [1], data_offsets: [0, 2, 3] } }, new Uint8Array(2)),
      /no valid range/,
    ],
    ['a tensor cut off', rawSafetensors({ a: entry(0, 8) }, new Uint8Array(6)), /behind the end/],
    [
      'overlapping tensors',
      rawSafetensors({ a: entry(0, 4), b: entry(2, 6) }, new Uint8Array(6)),
      /"b" overlaps/,
    ],
    ['a hole', rawSafetensors({ a: entry(0, 4), b: entry(6, 8) }, new Uint8Array(8)), /hole before "b"/],
    ['a hole at the start', rawSafetensors({ a: entry(2, 4) }, new Uint8Array(4)), /hole before "a"/],
    ['bytes left over', rawSafetensors({ a: entry(0, 4) }, new Uint8Array(6)), /belong to no tensor/],
  ])('refuses %s', (_, buffer, message) => {
    expect(refusal(buffer)).toMatch(message);
  });

  it('refuses to read what is not there, and shapes that differ', () => {
    const file = openSafetensors(safetensors({ one: f32([2, 3]) }), 'w');
    expect(() => file.read('two')).toThrow(EngineFailure);
    expect(() => expectShape(file, 'w', 'one', [3, 2])).toThrow(/\[2, 3\] where the manifest needs \[3, 2\]/);
    expect(() => expectShape(file, 'w', 'one', [2, 3])).not.toThrow();
  });
});
