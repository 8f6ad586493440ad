/** `npm run apply` as a person or a script runs it: a command with files. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test as base } from '@playwright/test';
import { readText } from '../app/result/png';
import { gradient, waves } from './support/pictures';
import { pixelAt, readPng, type Pixels } from './support/png';

const COMMAND = fileURLToPath(new URL('./apply/run.mjs', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

const test = base.extend<{ folder: string; apply: (...args: string[]) => Promise<Ended> }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the names of what is asked for
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'likewise-apply-'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
  apply: async ({ folder }, use) => {
    await use(
      (...args) =>
        new Promise((resolve, reject) => {
          const child = spawn(execPath, [COMMAND, ...args], { cwd: folder });
          const said = { out: '', error: '' };
          child.stdout.on('data', (text) => (said.out += String(text)));
          child.stderr.on('data', (text) => (said.error += String(text)));
          child.on('error', reject);
          child.on('close', (code) => resolve({ code, ...said }));
        }),
    );
  },
});

function mean({ width, height, data }: Pixels, channel: number): number {
  let sum = 0;
  for (let i = channel; i < data.length; i += 4) sum += data[i] ?? 0;
  return sum / (width * height);
}

test('many triplets in one browser: a failed line is told, and the rest go on', async ({ folder, apply }) => {
  const b = gradient('b.png', 97, 61);
  await writeFile(join(folder, 'a.png'), gradient('a.png', 80, 80).buffer);
  await writeFile(join(folder, 'a2.png'), gradient('a2.png', 80, 80, true).buffer);
  await writeFile(join(folder, 'b.png'), b.buffer);
  await writeFile(join(folder, 'cut.png'), b.buffer.subarray(0, 200));
  await writeFile(join(folder, 'waves.png'), waves('waves.png', 80, 80).buffer);
  await writeFile(join(folder, 'bordered.png'), waves('bordered.png', 80, 80, 8).buffer);
  const lines = [
    { b: 'b.png', out: 'warm.png', json: 'warm.json', title: 'not an option of ours' },
    { b: 'cut.png', out: 'never.png' },
    { b: 'b.png', out: 'same.png', strength: 0, seed: 7 },
    { a: 'waves.png', a2: 'bordered.png', b: 'b.png', out: 'border.png' },
  ];
  const pair = { a: 'a.png', a2: 'a2.png', steps: 1, backend: 'wasm' };
  const text = lines.map((line) => JSON.stringify({ ...pair, ...line })).join('\n');
  await writeFile(join(folder, 'triplets.jsonl'), text);

  const { code, out, error } = await apply('--triplets', 'triplets.jsonl', '--json', 'all.json');
  expect(error).toMatch(/^line 2: b: .*cut\.png: This picture is damaged or was cut off\. \S.*\.$/m);
  expect(error).not.toMatch(/\n\s+at /);
  expect(out.trim().split('\n')).toHaveLength(3);
  expect(code).toBe(1);

  const before = readPng(b.buffer);
  const bytes = await readFile(join(folder, 'warm.png'));
  const warm = readPng(bytes);
  expect([warm.width, warm.height]).toEqual([97, 61]);
  expect(mean(warm, 0) - mean(before, 0)).toBeGreaterThan(15);
  expect(mean(warm, 2) - mean(before, 2)).toBeLessThan(-15);
  expect(Math.abs(mean(warm, 1) - mean(before, 1))).toBeLessThan(10);
  expect(pixelAt(warm, 48, 30)[3]).toBe(255);
  const recipe: unknown = JSON.parse((await readText(new Blob([bytes])))['Likewise recipe'] ?? '{}');
  expect(recipe).toMatchObject({ backend: 'wasm', steps: 1, strength: 1, seed: 0 });

  const same = readPng(await readFile(join(folder, 'same.png')));
  expect(Buffer.compare(same.data, before.data)).toBe(0);
  // 8 of 80 pixels are 6 of 61, outside of b as it is.
  const border = readPng(await readFile(join(folder, 'border.png')));
  expect([border.width, border.height]).toEqual([109, 73]);
  for (const [x, y] of [
    [0, 40],
    [5, 5],
    [103, 66],
    [60, 72],
  ] as const)
    expect(pixelAt(border, x, y)).toEqual([0, 0, 0, 255]);
  for (const [x, y] of [
    [0, 0],
    [48, 30],
    [96, 60],
  ] as const)
    expect(pixelAt(border, x + 6, y + 6)).toEqual(pixelAt(before, x, y));
  await expect(readFile(join(folder, 'never.png'))).rejects.toThrow(/ENOENT/);

  const record: unknown = JSON.parse(await readFile(join(folder, 'warm.json'), 'utf8'));
  const time = expect.any(Number);
  expect(record).toMatchObject({
    ok: true,
    strength: 100,
    steps: 1,
    backend: 'wasm',
    adapter: expect.stringContaining('CPU'),
    sizes: { a: { width: 80, height: 80 }, out: { width: 97, height: 61, bytes: bytes.length } },
    timings: { decoding: time, anchoring: time, encoding: time, merging: time, denoising: time },
    loadTimings: { compiling: time },
  });
  const { coefficients } = record as { coefficients: { targets: string[]; values: number[][] } };
  expect(coefficients.values).toHaveLength(coefficients.targets.length);
  for (const row of coefficients.values) expect(row.reduce((sum, c) => sum + c, 0)).toBeCloseTo(1, 3);

  const all: unknown = JSON.parse(await readFile(join(folder, 'all.json'), 'utf8'));
  expect(all).toMatchObject([
    { line: 1, ok: true },
    { line: 2, ok: false, error: { code: 'image/damaged' } },
    { line: 3, ok: true, strength: 0, seed: 7 },
    { line: 4, ok: true, sizes: { out: { width: 109, height: 73 } } },
  ]);
});

test('what cannot be done is said in a sentence, before a browser is started', async ({ folder, apply }) => {
  await writeFile(join(folder, 'a.png'), gradient('a.png', 8, 8).buffer);
  const files = ['--a', 'a.png', '--a2', 'a.png', '--b', 'a.png'];
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^a is missing: name its file/],
    [['--colour', 'red'], /^Unknown option '--colour'\./],
    [[...files, '--out', 'o.png', '--steps', 'few'], /^steps is "few": choose a whole number from 1 to 50\./],
    [
      [...files, '--out', 'o.png', '--strength', '201'],
      /^strength is "201": choose a number from 0 to 200\./,
    ],
    [[...files, '--out', 'no/o.png'], /^out: there is no folder .*no: make it first\./],
    [[...files, '--out', 'a.png'], /^out: .*a\.png would replace a: choose another name\./],
    [['--a', 'x.png', ...files.slice(2), '--out', 'o.png'], /^a: there is no file .*x\.png\./],
    [[...files, '--out', 'o.png', '--pack', '.'], /^pack: .* holds no manifest\.json/],
    [['--triplets', 'none.jsonl'], /^The triplets file .* cannot be read/],
  ];
  for (const [args, sentence] of wrong) {
    const { code, out, error } = await apply(...args);
    expect(error).toMatch(sentence);
    expect(error.trim().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(code).toBe(1);
  }
});
