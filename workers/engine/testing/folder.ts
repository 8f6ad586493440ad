/**
 * The engine in Node for tests that Python starts: pictures and a pack in a folder, no worker and no
 * browser (node.ts).
 *
 * A picture is NAME.rgba: width and height as u32, then RGBA8.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Model } from '../model';
import type { Precision } from '../pack/manifest';
import type { Backend, RgbaImage } from '../protocol';
import type { Runtime } from '../runtime';
import { readPack } from './node';

/** What job.json in the folder says at least. */
export interface Work {
  readonly backend: Backend;
  /** WebGPU: a part of the adapter's name. */
  readonly adapter: string;
  readonly precision: Precision;
}

/** The folder of the environment's LIKEWISE_PARITY. */
export const folder = process.env.LIKEWISE_PARITY ?? '';

export function readWork(): unknown {
  return JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'));
}

export function picture(name: string): Blob {
  return new Blob([readFileSync(join(folder, `${name}.rgba`))]);
}

export async function decode(blob: Blob): Promise<RgbaImage> {
  const bytes = await blob.arrayBuffer();
  const [width, height] = new Uint32Array(bytes, 0, 2);
  return { width, height, data: new Uint8ClampedArray(bytes, 8) };
}

export function writePicture(name: string, { width, height, data }: RgbaImage): void {
  const bytes = new Uint8Array(8 + data.length);
  bytes.set(new Uint8Array(Uint32Array.of(width, height).buffer));
  bytes.set(data, 8);
  writeFileSync(join(folder, `${name}.rgba`), bytes);
}

/** The pack in pack/ of the folder. */
export async function openPack<Data>(runtime: Runtime<Data>, precision: Precision): Promise<Model<Data>> {
  return (await readPack(runtime, precision, join(folder, 'pack'))).model;
}
