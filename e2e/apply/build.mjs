/** Builds the page that the command line drives, when its sources have changed. About a second. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CACHE = join(ROOT, '.cache', 'apply');
const SOURCES = ['app', 'workers', 'shaders', join('e2e', 'apply'), 'package-lock.json'];
const SOURCE = /\.(?:tsx?|mjs|wgsl|html|json)$/;
const KEEP_MS = 24 * 3600 * 1000;

/** @param {string} path @returns {string[]} */
function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || SOURCE.test(entry.name))
    .flatMap((entry) => filesUnder(join(path, entry.name)))
    .sort();
}

/** A name for the sources as they are: another one as soon as a file changes. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((source) => filesUnder(join(ROOT, source)))) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Builds of sources that are no longer there; not at once, since another command may use one. */
function sweep() {
  for (const name of readdirSync(CACHE)) {
    const folder = join(CACHE, name);
    if (statSync(folder).mtimeMs < Date.now() - KEEP_MS) rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {Promise<string>} the folder that holds page.html */
export async function buildPage() {
  const folder = join(CACHE, fingerprint());
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date());
    return folder;
  }
  const { build, defaultClientConditions } = await import('vite');
  const unfinished = `${folder}-${pid}`;
  await build({
    configFile: false,
    root: fileURLToPath(new URL('.', import.meta.url)),
    base: './',
    publicDir: false,
    logLevel: 'error',
    worker: { format: 'es' },
    // ONNX Runtime's own files are served as they are, as in the app.
    resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
    build: {
      outDir: unfinished,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      rolldownOptions: { input: fileURLToPath(new URL('page.html', import.meta.url)) },
    },
  });
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Another command has built the same in the meantime.
    if (!existsSync(folder)) throw error;
    rmSync(unfinished, { recursive: true, force: true });
  }
  sweep();
  return folder;
}
