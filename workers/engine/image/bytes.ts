/** Bounded reads from the start of a file; reading past the end gives `undefined`, never throws. */
export class Bytes {
  readonly #view: DataView;
  readonly length: number;

  constructor(readonly data: Uint8Array) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.length = data.byteLength;
  }

  u8(at: number): number | undefined {
    return at >= 0 && at + 1 <= this.length ? this.#view.getUint8(at) : undefined;
  }

  u16(at: number, little = false): number | undefined {
    return at >= 0 && at + 2 <= this.length ? this.#view.getUint16(at, little) : undefined;
  }

  u24le(at: number): number | undefined {
    const low = this.u16(at, true);
    const high = this.u8(at + 2);
    return low === undefined || high === undefined ? undefined : low + high * 65536;
  }

  u32(at: number, little = false): number | undefined {
    return at >= 0 && at + 4 <= this.length ? this.#view.getUint32(at, little) : undefined;
  }

  i32le(at: number): number | undefined {
    return at >= 0 && at + 4 <= this.length ? this.#view.getInt32(at, true) : undefined;
  }

  /** ASCII text, shorter at the end of the data. */
  text(at: number, count: number): string {
    return String.fromCharCode(...this.data.subarray(at, at + count));
  }

  is(at: number, ascii: string): boolean {
    return this.text(at, ascii.length) === ascii;
  }
}
