/** What can be known of a job's files before a browser is started for it. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import { Problem } from './problem.mjs';

/** @typedef {import('./options.mjs').Job} Job */

export const SLOTS = /** @type {const} */ (['a', 'a2', 'b']);

const OTHER_PICTURES = new Set(['.jpg', '.jpeg', '.webp', '.avif', '.gif', '.bmp', '.tif', '.tiff', '.heic']);

/** @param {string} path @param {number} mode */
function may(path, mode) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name @param {string} path */
function checkInput(name, path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new Problem(`${name}: there is no file ${path}.`);
  if (!found.isFile()) throw new Problem(`${name}: ${path} is not a file.`);
  if (!may(path, constants.R_OK)) throw new Problem(`${name}: ${path} may not be read.`);
}

/** @param {string} name @param {string} path @throws Problem */
export function checkOutput(name, path) {
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new Problem(`${name}: there is no folder ${folder}: make it first.`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new Problem(`${name}: ${path} is a folder: name a file in it.`);
  if (!may(existsSync(path) ? path : folder, constants.W_OK))
    throw new Problem(`${name}: ${path} may not be written: choose another place.`);
}

/** @param {Job} job @throws Problem */
export function checkFiles(job) {
  for (const slot of SLOTS) checkInput(slot, job[slot]);
  if (!existsSync(`${job.pack}/manifest.json`))
    throw new Problem(`pack: ${job.pack} holds no manifest.json: name the folder of a pack.`);
  const extension = extname(job.out).toLowerCase();
  if (OTHER_PICTURES.has(extension))
    throw new Problem(`out: the result is a PNG file: call it ${basename(job.out, extname(job.out))}.png.`);
  const same = SLOTS.find((slot) => job[slot] === job.out);
  if (same) throw new Problem(`out: ${job.out} would replace ${same}: choose another name.`);
  checkOutput('out', job.out);
  if (job.json !== undefined) checkOutput('json', job.json);
}
