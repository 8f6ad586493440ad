/** The command line and the lines of a triplets file, as jobs. No job is run here. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Problem } from './problem.mjs';

export const USAGE = `Show one edit, apply it to another picture.

  npm run apply -- --a A --a2 A2 --b B --out OUT.png [options]
  npm run apply -- --triplets FILE.jsonl [options]

  --a FILE             the example before the edit
  --a2 FILE            the same example after it
  --b FILE             the picture to edit
  --out FILE           where the result goes, as PNG with its recipe inside, at the size of b, changed as
                       a′ changes that of a
  --strength PERCENT   0 is b unchanged, 100 the edit, 200 twice the difference (100)
  --steps N            steps of the denoiser, 1 to 50 (the pack's own number)
  --seed N             seed of the noise, 0 to 4294967295 (0)
  --pack FOLDER        the pack to use (public/packs/studio)
  --backend NAME       auto, webgpu or wasm (auto: WebGPU on a graphics card, else WASM)
  --software           WebGPU in software, whatever graphics card there is
  --json FILE          write coefficients, timings, backend, adapter and sizes
  --triplets FILE      many in one browser: a JSON object a line with a, a2, b, out and any of
                       strength, steps, seed, pack, backend, json; unknown fields are ignored, and
                       what a line does not say comes from the command line
`;

const STUDIO = fileURLToPath(new URL('../../public/packs/studio', import.meta.url));

const OPTIONS = /** @type {const} */ ({
  a: { type: 'string' },
  a2: { type: 'string' },
  b: { type: 'string' },
  out: { type: 'string' },
  strength: { type: 'string' },
  steps: { type: 'string' },
  seed: { type: 'string' },
  pack: { type: 'string' },
  backend: { type: 'string' },
  software: { type: 'boolean' },
  json: { type: 'string' },
  triplets: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
});

/** npm runs its scripts in the project's folder; files are named from where the person is. */
const HERE = (process.env.npm_lifecycle_event === 'apply' && process.env.INIT_CWD) || process.cwd();

/**
 * @typedef {object} Job one edit, with paths made absolute
 * @property {string} a @property {string} a2 @property {string} b @property {string} out
 * @property {string} pack the folder @property {'auto' | 'webgpu' | 'wasm'} backend
 * @property {number} strength percent, 0..200
 * @property {number | undefined} steps @property {number | undefined} seed
 * @property {string | undefined} json
 * @typedef {Readonly<Record<string, unknown>>} Fields
 * @typedef {{ line: number | undefined, job: () => Job }} Asked `job` throws a Problem
 */

/** @param {Fields} fields @param {string} name @returns {string | undefined} */
function path(fields, name) {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw new Problem(`${name} must be the name of a file.`);
  return resolve(HERE, value);
}

/** @param {Fields} fields @param {string} name @returns {string} */
function neededPath(fields, name) {
  const value = path(fields, name);
  if (value === undefined)
    throw new Problem(`${name} is missing: name its file with --${name}, or with "${name}" in the line.`);
  return value;
}

/**
 * @param {Fields} fields @param {string} name @param {number} max
 * @param {{ min?: number, whole?: boolean }} [limits]
 * @returns {number | undefined}
 */
function number(fields, name, max, { min = 0, whole = true } = {}) {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value.trim() : value;
  const parsed = typeof text === 'string' && text !== '' ? Number(text) : text;
  if (typeof parsed === 'number' && parsed >= min && parsed <= max && (!whole || Number.isInteger(parsed)))
    return parsed;
  const kind = whole ? 'a whole number' : 'a number';
  throw new Problem(`${name} is ${JSON.stringify(value)}: choose ${kind} from ${min} to ${max}.`);
}

/** @param {Fields} fields @returns {Job['backend']} */
function backend(fields) {
  const value = fields.backend ?? 'auto';
  if (value === 'auto' || value === 'webgpu' || value === 'wasm') return value;
  throw new Problem(`backend is ${JSON.stringify(value)}: choose auto, webgpu or wasm.`);
}

/** @param {Fields} fields @returns {Job} @throws Problem */
function jobOf(fields) {
  return {
    a: neededPath(fields, 'a'),
    a2: neededPath(fields, 'a2'),
    b: neededPath(fields, 'b'),
    out: neededPath(fields, 'out'),
    pack: path(fields, 'pack') ?? STUDIO,
    backend: backend(fields),
    strength: number(fields, 'strength', 200, { whole: false }) ?? 100,
    steps: number(fields, 'steps', 50, { min: 1 }),
    seed: number(fields, 'seed', 2 ** 32 - 1),
    json: path(fields, 'json'),
  };
}

/** @param {string} text @returns {Fields} */
function parseLine(text) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem('This line is not JSON: write one object with a, a2, b and out.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem('This line is not an object: write one with a, a2, b and out.');
  return /** @type {Fields} */ (value);
}

/** @param {string} file @returns {string} */
function readLines(file) {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch {
    throw new Problem(`The triplets file ${file} cannot be read: check its name.`);
  }
}

/**
 * @param {readonly string[]} args
 * @returns {{ help: true } | { help: false, software: boolean, summary: string | undefined,
 *   asked: readonly Asked[] }} `summary`: the file for the records of all lines
 * @throws Problem
 */
export function parseCommandLine(args) {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS }));
  } catch (error) {
    // Node's own sentence; what may follow it is about other programs' habits.
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.?(?:\n|$)/);
    const remedy = /ambiguous/.test(sentence)
      ? 'Write a value that begins with a dash as --option=-1.'
      : '--help shows what there is.';
    throw new Problem(`${sentence}.`, { remedy });
  }
  const { help, software = false, triplets, ...fields } = values;
  if (help) return { help: true };
  if (triplets === undefined) {
    const job = jobOf(fields);
    return { help: false, software, summary: undefined, asked: [{ line: undefined, job: () => job }] };
  }
  const { out, json: _, ...shared } = fields;
  if (out !== undefined) throw new Problem('out belongs to each line when there are triplets.');
  const asked = readLines(resolve(HERE, triplets))
    .split('\n')
    .flatMap((text, index) =>
      text.trim() === ''
        ? []
        : [{ line: index + 1, job: () => jobOf({ ...shared, ...withoutNull(parseLine(text)) }) }],
    );
  if (asked.length === 0)
    throw new Problem(`${triplets} holds no triplets: write one JSON object a line with a, a2, b and out.`);
  return { help: false, software, summary: path(fields, 'json'), asked };
}

/** Null is how many programs write "not set". @param {Fields} fields @returns {Fields} */
function withoutNull(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
