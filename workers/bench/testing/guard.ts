/**
 * `npm run guard`: the ratios of docs/performance.json measured again on the adapter that they are of, as far as
 * a minute goes. It prints what moved and fails where one is worse by more than a quarter in three tries.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adapterNamesHere } from '../../engine/compute/testing/dawn';
import { chooseInNode, folderUrl, fromDisk, furnish } from '../../engine/testing/node';
import { compare, type Guarded } from '../guard';
import type { BenchResult } from '../results';
import { measureGuarded, openBed } from '../run';
import { figures } from '../tables';

const TRIES = 3;
const pack = { base: folderUrl(join(process.cwd(), 'public/packs/studio')), context: fromDisk };
const stored = JSON.parse(readFileSync('docs/performance.json', 'utf8')) as BenchResult[];

const folder = mkdtempSync(join(tmpdir(), 'likewise-guard-'));
beforeAll(() => furnish(folder));
afterAll(() => rmSync(folder, { recursive: true }));

function baselineOf(adapter: string): Guarded | undefined {
  const found = stored.find((each) => each.adapter === adapter && each.type === 'float32');
  return found && { merge: found.merge, gram: found.anchor.gram };
}

it('is no slower beside the same things than it was', async () => {
  for (const name of await adapterNamesHere()) {
    const bed = await openBed(await chooseInNode({ backend: 'webgpu', adapter: name }));
    const { adapter } = bed.runtime;
    const baseline = baselineOf(adapter);
    if (baseline === undefined) console.log(`No figures of ${adapter} to compare with: npm run bench.`);
    else {
      const tries: Guarded[] = [];
      do tries.push(await measureGuarded(bed, pack));
      while (tries.length < TRIES && compare(baseline, tries).some(({ worse }) => worse));
      const compared = compare(baseline, tries);
      for (const { name: of, baseline: before, now } of compared)
        console.log(`${of}: ${figures(now)} times, was ${figures(before)} (${adapter})`);
      expect(compared.filter(({ worse }) => worse)).toEqual([]);
    }
    await bed.wasm.dispose();
    await bed.runtime.dispose();
  }
}, 900_000);
