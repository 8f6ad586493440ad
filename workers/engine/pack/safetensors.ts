/**
 * A strict safetensors reader: 8 bytes little-endian header length, JSON header, data. Anything
 * the format does not allow is refused, because a wrong range would be silently wrong weights.
 */
import { EngineFailure } from '../errors';

export type Dtype = 'F16' | 'F32';

export interface TensorEntry {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Byte range in the file. */
  readonly start: number;
  readonly end: number;
}

/** Raw values: fp16 as its bits. */
export type TensorData = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export interface Safetensors {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** The tensor's values; a view on the file where it is aligned, otherwise a copy of its range. */
  read(name: string): TensorData;
}

const MAX_HEADER = 16 * 1024 * 1024;
const BYTES: Readonly<Record<Dtype, number>> = { F16: 2, F32: 4 };

function bad(label: string, what: string): EngineFailure {
  return new EngineFailure(
    'pack/bad-tensor',
    `The weights in "${label}" cannot be used: ${what}.`,
    'Load the pack again; if it stays like this, ask whoever made it for a corrected copy.',
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isDtype(value: unknown): value is Dtype {
  return value === 'F16' || value === 'F32';
}

function parseEntry(label: string, name: string, value: unknown, base: number, size: number): TensorEntry {
  if (!isRecord(value)) throw bad(label, `"${name}" is not described`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) throw bad(label, `"${name}" has the unknown type ${JSON.stringify(dtype)}`);
  if (!isNumbers(shape)) throw bad(label, `"${name}" has no valid shape`);
  if (!isNumbers(offsets) || offsets.length !== 2) throw bad(label, `"${name}" has no valid range`);
  const [from = 0, to = 0] = offsets;
  const bytes = shape.reduce((product, side) => product * side, BYTES[dtype]);
  if (to < from || to - from !== bytes)
    throw bad(label, `"${name}" has ${to - from} bytes where its shape needs ${bytes}`);
  if (base + to > size) throw bad(label, `"${name}" ends behind the end of the file`);
  return { dtype, shape, start: base + from, end: base + to };
}

/**
 * Checks the header of a whole file.
 * @param label the file's name, for messages
 * @throws EngineFailure `pack/bad-tensor`
 */
export function openSafetensors(buffer: ArrayBuffer, label: string): Safetensors {
  const size = buffer.byteLength;
  if (size < 8) throw bad(label, 'it is shorter than its header');
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  if (length > MAX_HEADER) throw bad(label, 'its header is longer than 16 MiB');
  const base = 8 + length;
  if (base > size) throw bad(label, 'its header is cut off');

  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(buffer, 8, length)));
  } catch {
    throw bad(label, 'its header is not JSON');
  }
  if (!isRecord(header)) throw bad(label, 'its header is not an object');

  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') entries.set(name, parseEntry(label, name, value, base, size));
  }
  let expected = base;
  for (const [name, entry] of [...entries].sort(
    ([, one], [, two]) => one.start - two.start || one.end - two.end,
  )) {
    if (entry.start < expected) throw bad(label, `"${name}" overlaps another tensor`);
    if (entry.start > expected) throw bad(label, `there is a hole before "${name}"`);
    expected = entry.end;
  }
  if (expected !== size) throw bad(label, 'there are bytes that belong to no tensor');

  return {
    entries,
    read(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw bad(label, `"${name}" is missing`);
      const { start, end, dtype } = entry;
      // A typed array must start at a multiple of its element; the format promises no alignment.
      const aligned = start % BYTES[dtype] === 0;
      const source = aligned ? buffer : buffer.slice(start, end);
      const offset = aligned ? start : 0;
      const elements = (end - start) / BYTES[dtype];
      return dtype === 'F16'
        ? new Uint16Array(source, offset, elements)
        : new Float32Array(source, offset, elements);
    },
  };
}

/** Throws `pack/bad-tensor` unless `name` is there with exactly this shape. */
export function expectShape(file: Safetensors, label: string, name: string, shape: readonly number[]): void {
  const entry = file.entries.get(name);
  if (entry === undefined) throw bad(label, `"${name}" is missing`);
  if (entry.shape.length !== shape.length || entry.shape.some((side, axis) => side !== shape[axis])) {
    throw bad(
      label,
      `"${name}" is [${entry.shape.join(', ')}] where the manifest needs [${shape.join(', ')}]`,
    );
  }
}
