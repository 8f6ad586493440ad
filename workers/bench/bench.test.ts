/** The benchmark itself, small and short, on a real device: what it compares must be the same thing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { adapterNamesHere, openGpu } from '../engine/compute/testing/dawn';
import { findAdapter, openDevice } from '../engine/device';
import { loadOrt } from '../engine/ort';
import { openWasm, openWebGpu } from '../engine/runtime';
import { furnish } from '../engine/testing/node';
import { measureGrowth, measureMerge } from './merge';
import { measureSidePath } from './side-path';

const folder = mkdtempSync(join(tmpdir(), 'likewise-bench-'));
beforeAll(() => furnish(folder));
afterAll(() => rmSync(folder, { recursive: true }));

it('merges to the weights of the graph it is compared with, and times every way', async () => {
  const [name] = await adapterNamesHere();
  vi.stubGlobal('navigator', { gpu: await openGpu(name), hardwareConcurrency: 1 });
  const adapter = await findAdapter();
  if (adapter === undefined) throw new Error(`no adapter ${name}`);
  const own = await openDevice(adapter);
  const runtime = await openWebGpu(await loadOrt('webgpu'), own);
  const wasm = await openWasm(await loadOrt('wasm'));
  const type = runtime.hasFp16 ? 'float16' : 'float32';
  const bed = { device: own.device, runtime, wasm, type } as const;
  const turns = { rounds: 1, least: 0, settle: () => runtime.settle() };
  const shapes = [
    { in: 64, out: 192 },
    { in: 144, out: 64 },
    { in: 32, out: 64 },
    { in: 64, out: 32 },
  ];

  const merge = await measureMerge(bed, shapes, { elements: 32, rank: 4, processor: true }, turns);
  expect(merge.difference).toBeLessThan(type === 'float16' ? 2e-3 : 1e-6);
  expect(merge.rows).toHaveLength(10);
  for (const { name: way, ms } of merge.rows) expect(ms.median, way).toBeGreaterThan(0);

  const growth = await measureGrowth(bed, shapes, { elements: 8, rank: 4 }, turns);
  expect(growth.map(({ of, points }) => [of, points.length])).toEqual([
    ['elements', 5],
    ['rank', 5],
    ['targets', 3],
  ]);

  const layers = shapes.map((shape) => ({ ...shape, tokens: 16 }));
  const [point] = await measureSidePath(bed, layers, [{ elements: 4, rank: 4 }], turns);
  expect(Math.min(point.merge.median, point.merged.median, point.side.median)).toBeGreaterThan(0);

  await wasm.dispose();
  await runtime.dispose();
});
