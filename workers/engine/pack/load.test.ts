import { beforeEach, describe, expect, it } from 'vitest';
import { Aborted, EngineFailure } from '../errors';
import { tinyPack } from '../testing/tiny-pack';
import { fetchFiles, fetchManifest, type FetchFile, type LoadContext } from './load';
import type { Manifest } from './manifest';

const BASE = 'https://example.test/packs/tiny/';
let manifest: Manifest;
let files: Map<string, ArrayBuffer>;
let progress: string[];
let controller: AbortController;

beforeEach(async () => {
  ({ manifest, files } = await tinyPack());
  progress = [];
  controller = new AbortController();
});

function serve(changed: Readonly<Record<string, () => Response>> = {}): FetchFile {
  return async (url, { signal }) => {
    if (signal.aborted) throw new DOMException('aborted', 'AbortError');
    const path = url.slice(BASE.length);
    const special = changed[path];
    if (special !== undefined) return special();
    if (path === 'manifest.json') return Response.json(manifest);
    const data = files.get(path);
    return data === undefined ? new Response('gone', { status: 404 }) : new Response(data.slice());
  };
}

function contextWith(fetchFile: FetchFile): LoadContext {
  return {
    fetchFile,
    signal: controller.signal,
    onProgress: (phase, done, total) => progress.push(`${phase} ${done}/${total}`),
  };
}

async function failure(changed: Readonly<Record<string, () => Response>>): Promise<string> {
  try {
    await fetchFiles(contextWith(serve(changed)), BASE, manifest.files);
  } catch (thrown) {
    if (thrown instanceof EngineFailure) return `${thrown.detail.code} ${thrown.detail.message}`;
    throw thrown;
  }
  return 'loaded';
}

describe('loading a pack', () => {
  it('returns the bytes and counts them', async () => {
    const context = contextWith(serve());
    expect(await fetchManifest(context, BASE)).toEqual(manifest);
    const loaded = await fetchFiles(context, BASE, manifest.files);
    expect(loaded.size).toBe(manifest.files.length);
    for (const [path, data] of files)
      expect(new Uint8Array(loaded.get(path) ?? new ArrayBuffer(0))).toEqual(new Uint8Array(data));
    const total = manifest.files.reduce((sum, file) => sum + file.size, 0);
    expect(progress[0]).toBe(`downloading 0/${total}`);
    expect(progress).toContain(`downloading ${total}/${total}`);
    expect(progress.at(-1)).toBe(`verifying ${total}/${total}`);
  });

  it('names a missing file', async () => {
    files.delete('basis.safetensors');
    expect(await failure({})).toMatch(/^pack\/missing-file .*basis\.safetensors/);
  });

  it('takes an index page in place of a file for a missing file', async () => {
    const page = (): Response => new Response('<html>', { headers: { 'content-type': 'text/html' } });
    expect(await failure({ 'basis.safetensors': page })).toMatch(/^pack\/missing-file/);
    const context = contextWith(serve({ 'manifest.json': page }));
    await expect(fetchManifest(context, BASE)).rejects.toMatchObject({
      detail: { code: 'pack/missing-file' },
    });
  });

  it('refuses one flipped bit', async () => {
    const data = new Uint8Array(files.get('denoiser.safetensors') ?? new ArrayBuffer(1));
    data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
    expect(await failure({})).toMatch(/^pack\/wrong-hash .*denoiser\.safetensors.*checksum/);
  });

  it.each([['xyz'], ['too long'], ['s']])(
    'replaces a damaged kept copy (%j) by a fresh one',
    async (kept) => {
      const fresh = serve();
      const fetchFile: FetchFile = async (url, init) =>
        url.endsWith('encoder.fp32.onnx') && init.cache === 'default' ? new Response(kept) : fresh(url, init);
      const loaded = await fetchFiles(contextWith(fetchFile), BASE, manifest.files);
      expect(loaded.get('encoder.fp32.onnx')).toEqual(files.get('encoder.fp32.onnx'));
      const counts = progress
        .filter((line) => line.startsWith('downloading'))
        .map((line) => Number.parseInt(line.slice(12), 10));
      expect(counts).toEqual(counts.toSorted((one, two) => one - two));
    },
  );

  it('refuses a file that is too short or too long', async () => {
    expect(await failure({ 'encoder.fp32.onnx': () => new Response('ab') })).toMatch(
      /^pack\/wrong-hash .*2 bytes instead of 3/,
    );
    expect(await failure({ 'encoder.fp32.onnx': () => new Response('abcd') })).toMatch(
      /^pack\/wrong-hash .*longer than 3/,
    );
  });

  it('calls server errors and broken connections network failures', async () => {
    expect(await failure({ 'encoder.fp32.onnx': () => new Response('', { status: 500 }) })).toMatch(
      /^pack\/network/,
    );
    const broken = (): Response => {
      const body = new ReadableStream({
        pull(stream) {
          stream.error(new TypeError('connection reset'));
        },
      });
      return new Response(body);
    };
    expect(await failure({ 'encoder.fp32.onnx': broken })).toMatch(/^pack\/network/);
    const dead: FetchFile = async () => {
      throw new TypeError('Failed to fetch');
    };
    await expect(fetchManifest(contextWith(dead), BASE)).rejects.toMatchObject({
      detail: { code: 'pack/network', cause: 'TypeError: Failed to fetch' },
    });
  });

  it('stops when aborted', async () => {
    const context = contextWith(
      serve({
        'denoiser.safetensors': () => {
          controller.abort();
          return new Response(files.get('denoiser.safetensors')?.slice());
        },
      }),
    );
    await expect(fetchFiles(context, BASE, manifest.files)).rejects.toThrow(Aborted);
  });
});
