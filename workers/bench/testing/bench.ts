/**
 * `npm run bench`: the benchmark in Node on Dawn, on every adapter there is (on Linux LIKEWISE_VK_ICD
 * names a driver, a graphics card's for example). Results go to docs/performance.json and the tables of
 * docs/performance.md, in place of those of the same adapter.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adapterNamesHere, openIdleGpu } from '../../engine/compute/testing/dawn';
import { openDevice, type OwnDevice } from '../../engine/device';
import { chooseInNode, folderUrl, fromDisk, furnish } from '../../engine/testing/node';
import { measureAll, measureHost, openBed } from '../run';
import { report } from '../tables';
import { keep } from './figures';

const ROUNDS = Number(process.env.LIKEWISE_BENCH_ROUNDS ?? 5);
const EDITS = Number(process.env.LIKEWISE_BENCH_EDITS ?? 200);
const PACK = join(process.cwd(), 'public/packs/studio');

const folder = mkdtempSync(join(tmpdir(), 'likewise-bench-'));
beforeAll(() => furnish(folder));
afterAll(() => rmSync(folder, { recursive: true }));

async function idleDevice(): Promise<OwnDevice> {
  const adapter = await (await openIdleGpu()).requestAdapter();
  if (adapter === null) throw new Error('Dawn has no adapter that computes nothing');
  return openDevice(adapter);
}

it.each((await adapterNamesHere()).map((name) => ({ name })))(
  'the benchmark on $name',
  async ({ name }) => {
    const heap = (): number => {
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const bed = await openBed(await chooseInNode({ backend: 'webgpu', adapter: name }), {
      heap,
      exact: true,
    });
    const { runtime, wasm } = bed;
    const place = { ...bed, where: 'Node, Dawn', pack: { base: folderUrl(PACK), context: fromDisk } };
    const start = performance.now();
    for (const type of runtime.hasFp16 ? (['float16', 'float32'] as const) : (['float32'] as const)) {
      const all = await measureAll(place, type, { rounds: ROUNDS, edits: EDITS }, (part) => {
        console.log(`${((performance.now() - start) / 1000).toFixed(0)} s: ${name}, ${type}, ${part}`);
      });
      // What was measured is kept, whatever comes of the rest.
      keep(all);
      const measured = { ...all, host: await measureHost(await idleDevice(), place.pack, type, ROUNDS) };
      console.log(report(measured));
      keep(measured);
      expect(measured.merge.difference).toBeLessThan(type === 'float16' ? 0.02 : 1e-4);
    }
    await wasm.dispose();
    await runtime.dispose();
  },
  5_400_000,
);
