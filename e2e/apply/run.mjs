/**
 * `npm run apply`: the app's own engine in a headless browser, for scripts and for measuring.
 * Plain Node until everything is installed, so that it works in a fresh clone.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../chromium.mjs';
import { Problem } from './problem.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

if (!existsSync(`${root}node_modules`) || findChromium() === undefined) {
  try {
    execFileSync(execPath, [`${root}.ci/setup.mjs`, '--browser'], { stdio: ['ignore', 2, 2] });
  } catch {
    exit(1); // the set-up has said what is missing
  }
}

const { main } = await import('./main.mjs');
try {
  process.exitCode = await main(argv.slice(2));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.sentences);
  process.exitCode = 1;
}
