/** Owns the dropped blobs and their object URLs; the store knows them by id. */

interface Entry {
  readonly blob: Blob;
  readonly url: string;
}

const entries = new Map<string, Entry>();
let count = 0;

export const images = {
  add(blob: Blob): string {
    const id = `picture-${++count}`;
    entries.set(id, { blob, url: URL.createObjectURL(blob) });
    return id;
  },
  blob(id: string): Blob | undefined {
    return entries.get(id)?.blob;
  },
  url(id: string): string | undefined {
    return entries.get(id)?.url;
  },
  /** Release every picture that is not in `used`. */
  keepOnly(used: ReadonlySet<string>): void {
    for (const [id, entry] of entries) {
      if (used.has(id)) continue;
      URL.revokeObjectURL(entry.url);
      entries.delete(id);
    }
  },
};

export type Images = typeof images;
