/** One headless Chromium with the page that runs the jobs, started for the first of them. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { chromiumPath, GPU_ARGS, HARDWARE_ARGS } from '../chromium.mjs';
import { refuse, serve } from '../server.mjs';
import { buildPage } from './build.mjs';
import { SLOTS } from './files.mjs';
import { Problem } from './problem.mjs';

const ORT = fileURLToPath(new URL('../../node_modules/onnxruntime-web/dist', import.meta.url));

/**
 * @typedef {import('./options.mjs').Job} Job
 * @typedef {import('./page.ts').Request} Request
 * @typedef {import('./page.ts').Done} Done
 * @typedef {(phase: string, done: number, total: number) => void} OnPhase
 */

/** @param {boolean} software @returns {Promise<import('playwright-core').Browser>} @throws Problem */
async function launch(software) {
  /** @type {string} */
  let executablePath;
  try {
    executablePath = chromiumPath();
  } catch (error) {
    throw new Problem(error instanceof Error ? error.message : String(error), { cause: error });
  }
  // Only now: most mistakes in a command are found without it.
  const { chromium } = await import('playwright-core');
  try {
    return await chromium.launch({ executablePath, args: software ? GPU_ARGS : HARDWARE_ARGS });
  } catch (error) {
    throw new Problem(
      `Chromium (${executablePath}) does not start: try it by hand, or name another one in CHROMIUM_PATH.`,
      { cause: error },
    );
  }
}

/** @returns {Promise<string>} @throws Problem */
async function built() {
  try {
    return await buildPage();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Problem(`The page that computes could not be built: ${reason}`, { cause });
  }
}

export class Browser {
  /** Where pictures go in and out; nobody else on this machine can guess it. */
  #token = randomUUID();
  /** @type {Job | undefined} */
  #job;
  /** @type {Buffer | undefined} */
  #png;
  /** @type {Record<string, string>} */
  #mounts = { '/ort/': ORT };
  /** @type {Promise<{ page: import('playwright-core').Page, version: string, close: () => Promise<void> }> | undefined} */
  #started;

  /** @param {{ software: boolean, onPhase: OnPhase }} options */
  constructor({ software, onPhase }) {
    this.software = software;
    this.onPhase = onPhase;
  }

  /**
   * @param {Job} job
   * @returns {Promise<{ done: Done, png: Buffer, chromium: string, starting: number | undefined }>}
   *   `chromium`: its version; `starting`: milliseconds, for the job that the browser was started for
   * @throws Problem
   */
  async apply(job) {
    this.#job = job;
    this.#png = undefined;
    const running = this.#started !== undefined;
    const start = performance.now();
    const { page, version } = await (this.#started ??= this.#start());
    const starting = running ? undefined : performance.now() - start;
    /** @type {import('./page.ts').Answer} */
    let answer;
    try {
      answer = await page.evaluate((request) => window.apply(request), this.#request(job));
    } catch (cause) {
      await this.close();
      const remedy = 'Close other programs or try a smaller picture.';
      throw new Problem('The browser stopped in the middle of this edit.', {
        code: 'apply/stopped',
        remedy,
        cause,
      });
    }
    if (!answer.ok) {
      const { slot, error } = answer;
      const where = slot ? `${slot}: ${job[slot]}: ` : '';
      throw new Problem(`${where}${error.message}`, error);
    }
    if (!this.#png) throw new Problem('The result did not arrive.', { remedy: 'Try again.' });
    return { done: answer, png: this.#png, chromium: version, starting };
  }

  /** Ends the browser; another job starts another one. */
  async close() {
    const started = this.#started;
    this.#started = undefined;
    await (await started?.catch(() => undefined))?.close();
  }

  async #start() {
    const [browser, root] = await Promise.all([launch(this.software), built()]);
    const server = await serve({
      root,
      port: 0,
      mounts: this.#mounts,
      handle: (request, response, path) => this.#transfer(request, response, path),
    });
    const page = await browser.newPage();
    await page.exposeFunction('showPhase', this.onPhase);
    await page.goto(`${server.url}page.html`);
    return {
      page,
      version: browser.version(),
      close: async () => {
        await browser.close();
        await server.close();
      },
    };
  }

  /** @param {Job} job @returns {Request} */
  #request(job) {
    const at = `/${this.#token}`;
    return {
      pack: this.#packUrl(job.pack),
      backend: job.backend,
      pictures: { a: `${at}/a`, a2: `${at}/a2`, b: `${at}/b` },
      out: `${at}/out`,
      options: {
        strength: job.strength / 100,
        ...(job.steps === undefined ? {} : { steps: job.steps }),
        ...(job.seed === undefined ? {} : { seed: job.seed }),
      },
    };
  }

  /** @param {string} folder */
  #packUrl(folder) {
    const known = Object.entries(this.#mounts).find(([, mounted]) => mounted === folder);
    if (known) return known[0];
    const url = `/packs/${Object.keys(this.#mounts).length}/`;
    this.#mounts[url] = folder;
    return url;
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @param {string} path
   */
  async #transfer(request, response, path) {
    if (!path.startsWith(`/${this.#token}/`)) return false;
    const name = path.slice(this.#token.length + 2);
    const slot = SLOTS.find((slot) => slot === name);
    if (slot && this.#job) await pipeline(createReadStream(this.#job[slot]), response);
    else if (name === 'out' && request.method === 'PUT') {
      this.#png = await buffer(request);
      response.writeHead(204).end();
    } else refuse(response, 404, 'There is no such picture.');
    return true;
  }
}
