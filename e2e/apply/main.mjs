/** Runs what the command line asks for, one job after the other, and says how each went. */
import { writeFileSync } from 'node:fs';
import { stderr } from 'node:process';
import { Browser } from './browser.mjs';
import { checkFiles, checkOutput } from './files.mjs';
import { parseCommandLine, USAGE } from './options.mjs';
import { Problem } from './problem.mjs';
import { failureOf, recordOf } from './record.mjs';

/**
 * @typedef {import('./options.mjs').Job} Job
 * @typedef {import('./options.mjs').Asked} Asked
 * @typedef {ReturnType<typeof recordOf> | ReturnType<typeof failureOf>} Record
 */

/** What is going on, on a terminal; nothing where the output is kept. @param {string} text */
function show(text) {
  if (stderr.isTTY) stderr.write(`\r\u001B[2K${text}`);
}

/** @param {string} name @param {string} path @param {string | Buffer} data @throws Problem */
function write(name, path, data) {
  try {
    writeFileSync(path, data);
  } catch (cause) {
    throw new Problem(`${name}: ${path} could not be written.`, { remedy: 'Is the disk full?', cause });
  }
}

/** @param {string} path @param {unknown} value @throws Problem */
function writeJson(path, value) {
  write('json', path, `${JSON.stringify(value, null, 2)}\n`);
}

/** @param {Browser} browser @param {Job} job @throws Problem */
async function run(browser, job) {
  const start = performance.now();
  checkFiles(job);
  const { done, png, chromium, starting } = await browser.apply(job);
  write('out', job.out, png);
  const record = recordOf(job, done, { chromium, starting, total: performance.now() - start });
  if (job.json !== undefined) writeJson(job.json, record);
  return record;
}

/** @param {Job | undefined} job @param {Problem} problem */
function fail(job, problem) {
  const record = failureOf(job, problem);
  try {
    if (job?.json !== undefined) writeJson(job.json, record);
  } catch {
    // What went wrong first is what is told.
  }
  return record;
}

/**
 * @param {Browser} browser @param {Asked} asked
 * @returns {Promise<Record>}
 */
async function attempt(browser, { line, job: read }) {
  const where = line === undefined ? '' : `line ${line}: `;
  /** @type {Job | undefined} */
  let job;
  try {
    job = read();
    show(`${where}starting`);
    const record = await run(browser, job);
    show('');
    const { width, height } = record.sizes.out;
    const seconds = (record.timings.total / 1000).toFixed(1);
    console.log(`${where}${job.out} (${width} × ${height}, ${record.backend}, ${seconds} s)`);
    return record;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    show('');
    console.error(`${where}${error.sentences}`);
    return fail(job, error);
  }
}

/** @param {readonly string[]} args @returns {Promise<number>} the exit code @throws Problem */
export async function main(args) {
  const command = parseCommandLine(args);
  if (command.help) {
    console.log(USAGE);
    return 0;
  }
  const { asked, software, summary } = command;
  if (summary !== undefined) checkOutput('json', summary);
  const browser = new Browser({
    software,
    onPhase: (phase, done, total) => show(phase === 'denoising' ? `${phase} ${done} of ${total}` : phase),
  });
  const records = [];
  try {
    for (const one of asked) records.push({ line: one.line, ...(await attempt(browser, one)) });
  } finally {
    await browser.close();
  }
  if (summary !== undefined) writeJson(summary, records);
  const failed = records.filter((record) => !record.ok).length;
  if (failed > 0 && asked.length > 1) console.error(`${failed} of ${asked.length} failed.`);
  return failed > 0 ? 1 : 0;
}
