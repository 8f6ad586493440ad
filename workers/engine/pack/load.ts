/** Fetches a pack's files and refuses every byte that is not what the manifest promises. */
import { EngineFailure, throwIfAborted } from '../errors';
import type { LoadPhase } from '../protocol';
import { parseManifest, type Manifest, type PackFile } from './manifest';

const MAX_MANIFEST = 4 * 1024 * 1024;

export type FetchFile = (
  url: string,
  init: { signal: AbortSignal; cache: RequestCache },
) => Promise<Response>;

export interface LoadContext {
  readonly fetchFile: FetchFile;
  readonly signal: AbortSignal;
  readonly onProgress: (phase: LoadPhase, done: number, total: number) => void;
}

export type PackFiles = ReadonlyMap<string, ArrayBuffer>;

function offline(name: string, cause: unknown): EngineFailure {
  return new EngineFailure(
    'pack/network',
    `The pack's file "${name}" could not be fetched.`,
    'Check the connection and load the pack again.',
    cause,
  );
}

function absent(name: string): EngineFailure {
  return new EngineFailure(
    'pack/missing-file',
    `The pack has no file "${name}".`,
    'Check the address of the pack, or ask whoever made it for a complete copy.',
  );
}

function wrong(name: string, what: string): EngineFailure {
  return new EngineFailure(
    'pack/wrong-hash',
    `The pack's file "${name}" is not the one its description names: ${what}.`,
    'Load the pack again; if it stays like this, clear the stored copy or get the pack again.',
  );
}

async function request(
  context: LoadContext,
  base: string,
  name: string,
  cache: RequestCache = 'default',
): Promise<Response> {
  let response: Response;
  try {
    response = await context.fetchFile(new URL(name, base).href, { signal: context.signal, cache });
  } catch (thrown) {
    throwIfAborted(context.signal);
    throw offline(name, thrown);
  }
  if (response.status === 404 || response.status === 410) throw absent(name);
  if (!response.ok) throw offline(name, `HTTP ${response.status}`);
  // Hosts of single-page apps answer a missing file with their index page and status 200.
  if ((response.headers.get('content-type') ?? '').startsWith('text/html')) throw absent(name);
  return response;
}

/** Reads the body into one buffer of the promised size, so a file is never held twice. */
async function readBody(
  context: LoadContext,
  response: Response,
  file: PackFile,
  onBytes: (count: number) => void,
): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(file.size);
  let filled = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) throw offline(file.path, 'no body');
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      throwIfAborted(context.signal);
      if (filled + value.length > file.size) throw wrong(file.path, `it is longer than ${file.size} bytes`);
      bytes.set(value, filled);
      filled += value.length;
      onBytes(value.length);
    }
  } catch (thrown) {
    // Frees the connection; the stream may be broken already, which is what we report anyway.
    await reader.cancel().catch(() => undefined);
    throwIfAborted(context.signal);
    throw thrown instanceof EngineFailure ? thrown : offline(file.path, thrown);
  }
  if (filled !== file.size) throw wrong(file.path, `it has ${filled} bytes instead of ${file.size}`);
  return bytes.buffer;
}

async function fetchOne(
  context: LoadContext,
  base: string,
  file: PackFile,
  cache: RequestCache,
  onBytes: (count: number) => void,
): Promise<ArrayBuffer> {
  return readBody(context, await request(context, base, file.path, cache), file, onBytes);
}

async function sha256(buffer: ArrayBuffer): Promise<string> {
  // Browsers leave out `subtle` on plain http addresses other than localhost.
  if (globalThis.crypto?.subtle === undefined) {
    throw new EngineFailure(
      'engine/no-backend',
      'This page was not opened securely, so the pack cannot be verified.',
      'Open it over https, or from localhost.',
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', buffer));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * `manifest.json` of a pack.
 * @param base URL that ends in `/`
 * @throws EngineFailure `pack/missing-file`, `pack/network`, `pack/bad-manifest`
 */
export async function fetchManifest(context: LoadContext, base: string): Promise<Manifest> {
  const response = await request(context, base, 'manifest.json');
  let text: string;
  try {
    text = await response.text();
  } catch (thrown) {
    throwIfAborted(context.signal);
    throw offline('manifest.json', thrown);
  }
  if (text.length > MAX_MANIFEST) {
    throw new EngineFailure(
      'pack/bad-manifest',
      "This pack's description is far too long.",
      'Check that the address is that of a pack.',
    );
  }
  return parseManifest(text);
}

/**
 * Downloads and verifies files one after the other. Progress is in bytes of all of them.
 * @throws EngineFailure `pack/missing-file`, `pack/network`, `pack/wrong-hash`
 */
export async function fetchFiles(
  context: LoadContext,
  base: string,
  files: readonly PackFile[],
): Promise<PackFiles> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const buffers = new Map<string, ArrayBuffer>();
  // A kept copy can be damaged or of another version: before a file is refused it is fetched once
  // more past every cache, without progress, since its bytes were counted already.
  const again = (file: PackFile): Promise<ArrayBuffer> =>
    fetchOne(context, base, file, 'reload', () => undefined);
  const isGenuine = async (file: PackFile): Promise<boolean> => {
    const buffer = buffers.get(file.path);
    return buffer !== undefined && (await sha256(buffer)) === file.sha256;
  };
  let done = 0;
  context.onProgress('downloading', 0, total);
  for (const file of files) {
    const before = done;
    const buffer = await fetchOne(context, base, file, 'default', (count) => {
      done += count;
      context.onProgress('downloading', done, total);
    }).catch((thrown: unknown) => {
      if (!(thrown instanceof EngineFailure) || thrown.detail.code !== 'pack/wrong-hash') throw thrown;
      return again(file);
    });
    done = before + file.size;
    context.onProgress('downloading', done, total);
    buffers.set(file.path, buffer);
  }
  done = 0;
  context.onProgress('verifying', 0, total);
  for (const file of files) {
    if (!(await isGenuine(file))) {
      buffers.set(file.path, await again(file));
      if (!(await isGenuine(file))) throw wrong(file.path, 'its content does not match its checksum');
    }
    throwIfAborted(context.signal);
    done += file.size;
    context.onProgress('verifying', done, total);
  }
  return buffers;
}
