/**
 * The engine in Node for tests that Python starts: pictures and a pack in a folder, no worker and no
 * browser (node.ts).
 *
 * A picture is NAME.rgba: width and height as u32, then RGBA8.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { unwatched } from '../job';
import { openModel, type Model } from '../model';
import { fetchFiles, fetchManifest } from '../pack/load';
import { filesFor, precisionFor, type Precision } from '../pack/manifest';
import type { Backend, RgbaImage } from '../protocol';
import type { Runtime } from '../runtime';
import { folderUrl, fromDisk } from './node';

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

/** The pack in pack/ of the folder. @throws where fp16 is asked of a device without it */
export async function openPack<Data>(runtime: Runtime<Data>, precision: Precision): Promise<Model<Data>> {
  const base = folderUrl(join(folder, 'pack'));
  const manifest = await fetchManifest(fromDisk, base);
  // fp32 runs on any device.
  expect(precisionFor(manifest, runtime.hasFp16 && precision === 'fp16')).toBe(precision);
  const files = await fetchFiles(fromDisk, base, filesFor(manifest, precision));
  return openModel(runtime, manifest, files, precision, unwatched);
}
