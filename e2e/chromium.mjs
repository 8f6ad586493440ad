/**
 * Where the installed Chromium is, and with which switches it has WebGPU without a window. Shared by
 * the tests, `npm run apply` and the set-up; plain Node, since the set-up runs before any package is
 * there.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, platform } from 'node:process';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where macOS and Windows put it, which is on nobody's PATH. */
const USUAL = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ...[env.ProgramFiles, env['ProgramFiles(x86)'], env.LOCALAPPDATA].flatMap((folder) =>
    folder ? [join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe')] : [],
  ),
];

/** Software WebGPU, the same on every machine: what the tests use. */
export const GPU_ARGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan,WebGPU',
];

/** The machine's own graphics card; where there is none, Chromium gives SwiftShader here too. */
export const HARDWARE_ARGS = [
  '--enable-unsafe-webgpu',
  '--ignore-gpu-blocklist',
  // A headless Linux has no surface to show on, and its ANGLE does not choose Vulkan by itself.
  ...(platform === 'linux'
    ? ['--enable-features=Vulkan,WebGPU', '--use-angle=vulkan', '--disable-vulkan-surface']
    : []),
];

/** @param {string} path */
function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns {string | undefined} CHROMIUM_PATH, or the first that is installed */
export function findChromium() {
  if (env.CHROMIUM_PATH) return env.CHROMIUM_PATH;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...onPath, ...USUAL].find(runs);
}

/** @returns {string} @throws Error that says what to install */
export function chromiumPath() {
  const path = findChromium();
  if (path === undefined)
    throw new Error('Chromium is missing: install chromium or Google Chrome, or name it in CHROMIUM_PATH.');
  if (!runs(path)) throw new Error(`CHROMIUM_PATH names ${path}, which is not a program.`);
  return path;
}
