/**
 * The engine's side of `draw` in training/likewise/engine.py, which starts it: b′ at b's own size for several
 * pairs. The folder has `pack/`, `job.json` (the Job below), b.rgba and, per edit, NAME.a.rgba and
 * NAME.a2.rgba; NAME.b2.rgba and NAME.json, the engine's report, are written beside them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'vitest';
import { PackEngine } from '../engine';
import { unwatched } from '../job';
import { withRuntime, type Runtime } from '../runtime';
import { decode, folder, openPack, picture, readWork, writePicture, type Work } from './folder';
import { chooseInNode, furnish } from './node';

interface Job extends Work {
  readonly edits: readonly string[];
}

async function follow<Data>(runtime: Runtime<Data>, job: Job): Promise<void> {
  const engine = new PackEngine(runtime, await openPack(runtime, job.precision), decode);
  for (const name of job.edits) {
    const triplet = { a: picture(`${name}.a`), a2: picture(`${name}.a2`), b: picture('b') };
    const { image, report } = await engine.run(triplet, {}, unwatched);
    writePicture(`${name}.b2`, image);
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(report));
  }
  await engine.dispose();
}

it('applies the edits', async () => {
  const job = readWork() as Job;
  furnish(folder);
  await withRuntime(await chooseInNode(job), (runtime) => follow(runtime, job));
}, 3_600_000);
