/** The built page on a server of our own, whose answers a test can change or take away. */
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { serve } from '../server.mjs';

export const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** A status to refuse with, the bytes to send, or what to wait for before the file is sent. */
export type Answer =
  | { readonly status: number }
  | { readonly bytes: Uint8Array; readonly type?: string }
  | { readonly held: Promise<void> };

export interface Site {
  readonly url: string;
  /** By path, such as `/packs/studio/manifest.json`: what is answered in place of the file. */
  readonly answers: Map<string, Answer>;
  close(): Promise<void>;
}

export async function openSite({ isolated = true } = {}): Promise<Site> {
  if (!(await stat(`${DIST}index.html`).catch(() => undefined)))
    throw new Error('There is no page in dist/: run "npm run build" first.');
  const answers = new Map<string, Answer>();
  const handle = async (_: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> => {
    const answer = answers.get(path);
    if (!answer) return false;
    if ('held' in answer) {
      await answer.held;
      return false;
    }
    if ('status' in answer) response.writeHead(answer.status, { 'Cache-Control': 'no-store' }).end();
    else {
      const type = answer.type ?? 'application/octet-stream';
      response.writeHead(200, { 'Cache-Control': 'no-store', 'Content-Type': type }).end(answer.bytes);
    }
    return true;
  };
  const { url, close } = await serve({ root: DIST, port: 0, isolated, handle });
  return { url, answers, close };
}
