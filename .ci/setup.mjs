/**
 * Everything a fresh clone needs, idempotent, quiet when there is nothing to do.
 *
 *     node .ci/setup.mjs               the npm packages
 *     node .ci/setup.mjs --browser     and Chromium, and a Vulkan driver for kernels in Node
 *     node .ci/setup.mjs --training    and Python with PyTorch; prints the interpreter to use
 *
 * As root on Debian missing system packages are installed with apt; elsewhere a sentence says what
 * to install. Plain Node: it runs before any package is there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../e2e/chromium.mjs';

const ROOT = resolve(fileURLToPath(new URL('..', import.meta.url)));
const wants = new Set(process.argv.slice(2));

/** @param {string} command @param {string[]} args */
function run(command, args) {
  // Progress goes to stderr: --training prints one path on stdout.
  execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
}

/** @param {string} command @param {string[]} args */
const works = (command, args) => spawnSync(command, args, { cwd: ROOT, stdio: 'ignore' }).status === 0;

/** @param {string} sentence @returns {never} */
function give(sentence) {
  console.error(sentence);
  process.exit(1);
}

const canApt = () => process.getuid?.() === 0 && works('apt-get', ['--version']);

/** @param {string[]} packages @param {string[]} options */
function apt(packages, options = []) {
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...options, ...packages]);
}

function npmPackages() {
  const lock = join(ROOT, 'package-lock.json');
  const installed = join(ROOT, 'node_modules', '.package-lock.json');
  const fresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
  if (fresh) return;
  console.error('Installing packages…');
  run('npm', ['ci', '--no-audit', '--no-fund']);
}

function chromium() {
  if (findChromium() !== undefined) return;
  if (!canApt()) give('Chromium is missing: install chromium or Google Chrome, or name it in CHROMIUM_PATH.');
  console.error('Installing Chromium…');
  apt(['chromium']);
}

/**
 * Debian's own Mesa is too old for Dawn, its backports' is not. The line added to apt's sources
 * names the mirror that is already configured.
 */
function vulkan() {
  if (!canApt()) return; // the device tests themselves say what to install
  if (!existsSync('/usr/share/doc/libvulkan1')) apt(['libvulkan1']);
  const folder = '/usr/share/vulkan/icd.d';
  const lavapipe = existsSync(folder) && readdirSync(folder).some((file) => file.startsWith('lvp_icd'));
  const release = readFileSync('/etc/os-release', 'utf8');
  if (lavapipe || !/VERSION_CODENAME=bookworm/.test(release)) return;
  const sources = '/etc/apt/sources.list.d';
  const texts = readdirSync(sources).map((file) => readFileSync(join(sources, file), 'utf8'));
  const list = '/etc/apt/sources.list';
  if (existsSync(list)) texts.push(readFileSync(list, 'utf8'));
  const mirror = /(https?:\/\/\S+\/debian)\/?\s/.exec(texts.join('\n'))?.[1];
  if (!mirror) return;
  console.error('Installing a Vulkan driver for the kernel tests…');
  const line = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} bookworm-backports main\n`;
  writeFileSync(join(sources, 'bookworm-backports.list'), line);
  try {
    apt(['mesa-vulkan-drivers'], ['-t', 'bookworm-backports']);
  } catch {
    console.error('No backports here: the kernel tests run on Chromium’s SwiftShader alone, without fp16.');
  }
}

/** @returns {string} the Python to train and test with */
function python() {
  const requirements = join('training', 'requirements.txt');
  const check =
    'import numpy, PIL, onnx, onnxruntime, safetensors, skimage, pytest, torch; assert torch.__version__ >= "2.13"';
  const own = join(ROOT, '.venv', 'bin', 'python');
  for (const candidate of [own, 'python3']) if (works(candidate, ['-c', check])) return candidate;
  if (!works('python3', ['--version'])) give('Python is missing: install Python 3.11 or newer with venv.');
  console.error('Installing PyTorch for the training tests…');
  run('python3', ['-m', 'venv', '.venv']);
  run(own, ['-m', 'pip', 'install', '-q', '-r', requirements]);
  return own;
}

/** The program whose edits are measured (training/likewise/programs.py). */
function imageMagick() {
  if (works('convert', ['-version'])) return;
  if (!canApt()) give('ImageMagick is missing: install it, with its command convert.');
  apt(['imagemagick']);
}

npmPackages();
if (wants.has('--browser')) {
  chromium();
  vulkan();
}
if (wants.has('--training')) {
  imageMagick();
  console.log(python());
}
