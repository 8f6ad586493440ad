/** The buffers of one compute: made with checks, read back, and all destroyed at the end. */
import type { Tensor } from '../compute';
import { EngineFailure } from '../../errors';
import { widenHalf } from '../half';
import { count } from '../shapes';

export type ElementType = Tensor<GPUBuffer>['type'];

/** Bytes of each buffer for read-backs that is kept: to make one takes a driver longer than a small copy. */
const KEPT = 1 << 20;

/** ONNX Runtime's kernels read whole vec4s, so a buffer ends on a multiple of 16 bytes. */
function paddedSize(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

export function bytesOf(type: ElementType, dims: readonly number[]): number {
  return count(dims) * (type === 'float16' ? 2 : 4);
}

export class Buffers {
  readonly #device: GPUDevice;
  readonly #owned = new Set<GPUBuffer>();
  /** Kept for read-backs, not in use. */
  readonly #idle: GPUBuffer[] = [];

  /** Bytes of one buffer. */
  readonly #most: number;

  constructor(device: GPUDevice) {
    this.#device = device;
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    this.#most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  }

  /** A storage buffer that can be copied from and to, within the device's limits. */
  create(bytes: number, label: string): GPUBuffer {
    const size = paddedSize(bytes);
    if (size > this.#most) {
      const have = Math.floor(this.#most / 2 ** 20);
      throw new EngineFailure(
        'engine/out-of-memory',
        `This needs ${Math.ceil(size / 2 ** 20)} MiB in one piece (${label}); the graphics device gives at most ${have} MiB.`,
        'Use a smaller image, or use the WASM backend: add ?backend=wasm to the address.',
      );
    }
    const buffer = this.#device.createBuffer({
      label,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    this.#owned.add(buffer);
    return buffer;
  }

  tensor(type: ElementType, dims: readonly number[], label: string): Tensor<GPUBuffer> {
    return { data: this.create(bytesOf(type, dims), label), type, dims };
  }

  /** Tensors in as few buffers as hold them, each where a binding may begin. */
  tensors(type: ElementType, dims: readonly (readonly number[])[], label: string): Tensor<GPUBuffer>[] {
    const { minStorageBufferOffsetAlignment: alignment } = this.#device.limits;
    const element = bytesOf(type, [1]);
    const pieces: { bytes: number; parts: { dims: readonly number[]; offset: number }[] }[] = [];
    for (const each of dims) {
      const bytes = Math.ceil(paddedSize(bytesOf(type, each)) / alignment) * alignment;
      const last = pieces.at(-1);
      if (last === undefined || last.bytes + bytes > this.#most) {
        pieces.push({ bytes, parts: [{ dims: each, offset: 0 }] });
      } else {
        last.parts.push({ dims: each, offset: last.bytes / element });
        last.bytes += bytes;
      }
    }
    return pieces.flatMap(({ bytes, parts }) => {
      const data = this.create(bytes, label);
      return parts.map((part) => ({ data, type, ...part }));
    });
  }

  write(buffer: GPUBuffer, data: ArrayBufferView, offset = 0): void {
    const { byteLength } = data;
    if (byteLength % 4 === 0) {
      this.#device.queue.writeBuffer(buffer, offset, data.buffer, data.byteOffset, byteLength);
    } else {
      // writeBuffer takes multiples of four bytes; an odd number of f16 is padded.
      const padded = new Uint8Array(Math.ceil(byteLength / 4) * 4);
      padded.set(new Uint8Array(data.buffer, data.byteOffset, byteLength));
      this.#device.queue.writeBuffer(buffer, offset, padded);
    }
  }

  /** Copies `bytes` of a buffer to the CPU. */
  async read(buffer: GPUBuffer, bytes: number, offset = 0): Promise<ArrayBuffer> {
    const out = new Uint8Array(bytes);
    const keep = paddedSize(bytes) <= KEPT;
    const staging = (keep ? this.#idle.pop() : undefined) ?? this.staging(keep ? KEPT : bytes);
    try {
      await this.readInto(out, buffer, staging, offset);
      return out.buffer;
    } finally {
      if (keep) this.#idle.push(staging);
      else this.release(staging);
    }
  }

  /** What a read-back of so many bytes goes through. */
  staging(bytes: number): GPUBuffer {
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const buffer = this.#device.createBuffer({ label: 'read back', size: paddedSize(bytes), usage });
    this.#owned.add(buffer);
    return buffer;
  }

  /** Fills `out` from a buffer, through one of at least as many bytes. */
  async readInto(
    out: Uint8Array | Uint8ClampedArray,
    buffer: GPUBuffer,
    staging: GPUBuffer,
    offset = 0,
  ): Promise<void> {
    const size = paddedSize(out.length);
    const encoder = this.#device.createCommandEncoder({ label: 'read back' });
    // A buffer of someone else's (ORT's) need not be padded.
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, Math.min(size, buffer.size - offset));
    this.#device.queue.submit([encoder.finish({ label: 'read back' })]);
    await staging.mapAsync(GPUMapMode.READ, 0, size);
    out.set(new Uint8Array(staging.getMappedRange(0, size), 0, out.length));
    staging.unmap();
  }

  async readFloats({ data, type, dims, offset }: Tensor<GPUBuffer>): Promise<Float32Array<ArrayBuffer>> {
    const bytes = await this.read(data, bytesOf(type, dims), bytesOf(type, [offset ?? 0]));
    return type === 'float16' ? widenHalf(new Uint16Array(bytes)) : new Float32Array(bytes);
  }

  /** Buffers that came from elsewhere are left to their owner; tensors in one buffer go together. */
  release(buffer: GPUBuffer): void {
    if (this.#owned.delete(buffer)) buffer.destroy();
  }

  dispose(): void {
    for (const buffer of this.#owned) buffer.destroy();
    this.#owned.clear();
  }
}

/** f32 or fp16 data as the device can hold it: fp16 is widened where it has no shader-f16. */
export function storable(
  data: Float32Array | Uint16Array,
  halves: boolean,
): { type: ElementType; data: Float32Array | Uint16Array } {
  if (data instanceof Float32Array) return { type: 'float32', data };
  return halves ? { type: 'float16', data } : { type: 'float32', data: widenHalf(data) };
}
