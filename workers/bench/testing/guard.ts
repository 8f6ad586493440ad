/**
 * `npm run guard`: the ratios of docs/guard.json measured again on the adapter that they are of, as far as a minute
 * goes. It prints what moved and fails where one is worse by more than a quarter in three tries. With
 * LIKEWISE_GUARD_KEEP=9 the median of nine measurements is kept there, where one alone may be a lucky one, and of
 * several machines the lowest: with the same code a ratio differs by a third between two processors.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adapterNamesHere } from '../../engine/compute/testing/dawn';
import { chooseInNode, folderUrl, fromDisk, furnish } from '../../engine/testing/node';
import { compare, lowest, medians, type Guarded, type Ratios } from '../guard';
import { measureGuarded, openBed } from '../run';
import { figures } from '../tables';

const TRIES = 3;
const KEEP = Number(process.env.LIKEWISE_GUARD_KEEP ?? 0);
const BASELINES = 'docs/guard.json';
const pack = { base: folderUrl(join(process.cwd(), 'public/packs/studio')), context: fromDisk };
/** By adapter. */
const baselines = JSON.parse(readFileSync(BASELINES, 'utf8')) as Record<string, Ratios>;

const folder = mkdtempSync(join(tmpdir(), 'likewise-guard-'));
beforeAll(() => furnish(folder));
afterAll(() => rmSync(folder, { recursive: true }));

it('is no slower beside the same things than it was', async () => {
  for (const name of await adapterNamesHere()) {
    const bed = await openBed(await chooseInNode({ backend: 'webgpu', adapter: name }));
    const { adapter } = bed.runtime;
    const baseline = baselines[adapter];
    const tries: Guarded[] = [];
    if (KEEP > 0) {
      while (tries.length < KEEP) tries.push(await measureGuarded(bed, pack));
      baselines[adapter] = lowest(medians(tries), baseline);
      writeFileSync(BASELINES, `${JSON.stringify(baselines, null, 2)}\n`);
    } else if (baseline === undefined) {
      console.log(`No figures of ${adapter} to compare with: LIKEWISE_GUARD_KEEP=9 npm run guard.`);
    } else {
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
