/** A pack that is not as it should be: the run says so, the page stays, and works when the pack is whole. */
import { readFile } from 'node:fs/promises';
import { parseManifest, type Manifest } from '../workers/engine/pack/manifest';
import { createHash } from 'node:crypto';
import { DIST, type Answer } from './support/site';
import { expect, test } from './support/test';

const PACK = '/packs/studio/';
const bytesOf = (name: string): Promise<Buffer> => readFile(`${DIST}packs/studio/${name}`);
const manifest = async (): Promise<Manifest> => parseManifest((await bytesOf('manifest.json')).toString());

/** The manifest with one field changed, and the size and checksum of a file that was changed with it. */
async function changed(
  change: Partial<Manifest>,
  name = '',
  bytes: Uint8Array = new Uint8Array(),
): Promise<Answer> {
  const whole = { ...(await manifest()), ...change };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const files = whole.files.map((one) =>
    one.path === name ? { path: name, size: bytes.length, sha256 } : one,
  );
  return { bytes: Buffer.from(JSON.stringify({ ...whole, files })) };
}

interface Case {
  readonly name: string;
  readonly answers: () => Promise<Readonly<Record<string, Answer>>>;
  readonly code: string;
  readonly sentence: RegExp;
}

const cases: readonly Case[] = [
  {
    name: 'a missing file',
    answers: async () => ({ 'basis.safetensors': { status: 404 } }),
    code: 'pack/missing-file',
    sentence: /no file "basis\.safetensors"/,
  },
  {
    name: 'a server that fails',
    answers: async () => ({ 'denoiser.safetensors': { status: 503 } }),
    code: 'pack/network',
    sentence: /"denoiser\.safetensors" could not be fetched/,
  },
  {
    name: 'a wrong hash',
    answers: async () => {
      const bytes = await bytesOf('encoder.safetensors');
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return { 'encoder.safetensors': { bytes } };
    },
    code: 'pack/wrong-hash',
    sentence: /"encoder\.safetensors" is not the one/,
  },
  {
    name: 'a file that was cut off',
    answers: async () => ({
      'denoiser.safetensors': { bytes: (await bytesOf('denoiser.safetensors')).subarray(0, 5000) },
    }),
    code: 'pack/wrong-hash',
    sentence: /5000 bytes instead of/,
  },
  {
    name: 'truncated safetensors that the manifest vouches for',
    answers: async () => {
      const bytes = (await bytesOf('encoder.safetensors')).subarray(0, -64);
      return {
        'encoder.safetensors': { bytes },
        'manifest.json': await changed({}, 'encoder.safetensors', bytes),
      };
    },
    code: 'pack/bad-tensor',
    sentence: /encoder\.safetensors.*ends behind the end of the file/,
  },
  {
    name: 'a target whose shape does not match',
    answers: async () => {
      const { targets } = await manifest();
      const [first, ...rest] = targets;
      if (!first) throw new Error('a pack without targets');
      return { 'manifest.json': await changed({ targets: [{ ...first, out: first.out + 1 }, ...rest] }) };
    },
    code: 'pack/bad-tensor',
    sentence: /where the manifest needs/,
  },
  {
    name: 'a description that is no JSON',
    answers: async () => ({ 'manifest.json': { bytes: Buffer.from('{"format":') } }),
    code: 'pack/bad-manifest',
    sentence: /not JSON/,
  },
];

test('every fault of a pack is told, the pictures stay, and a whole pack works after all of them', async ({
  likewise,
  page,
  site,
  trouble,
}) => {
  trouble.expect(/Failed to load resource: the server responded with a status of (404|503)/);
  site.answers.set(`${PACK}manifest.json`, { status: 404 });
  await likewise.open('wasm');
  await likewise.sample('warm');
  await likewise.steps(1);
  for (const { name, answers, code, sentence } of cases) {
    await test.step(name, async () => {
      site.answers.clear();
      for (const [path, answer] of Object.entries(await answers())) site.answers.set(PACK + path, answer);
      await likewise.generate.click();
      await likewise.expectError('result', code, sentence);
      await expect(page.locator('[data-zone][data-filled]')).toHaveCount(3);
    });
  }
  site.answers.clear();
  await likewise.run();
  await expect(likewise.alert('result')).toBeEmpty();
});
