/**
 * A small static server with the headers that Likewise needs, for `npm start`, the tests and
 * `npm run apply`. It listens on this machine only.
 *
 *     node e2e/server.mjs [--open] [--port N] [--root FOLDER]
 *
 * Without --port it takes 4173 or the next free port. --open shows the page where there is a display.
 */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, resolve, sep } from 'node:path';
import { env, exit, platform } from 'node:process';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
const FIRST_PORT = 4173;
const TRIES = 50;

/** @type {Readonly<Record<string, string>>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};
/** Also for .onnx, .safetensors and .bin. */
const BYTES = 'application/octet-stream';

/** Vite's own files carry their hash in their name: they can be kept for ever. */
const HASHED = /\/assets\/[^/]+-[\w-]{8}\.\w+$/;

/** Without these the page is not cross-origin isolated, and WASM has one thread. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {object} Options
 * @property {string} root the folder that is served
 * @property {number} [port] 0: any free one; missing: 4173 or the next free one
 * @property {boolean} [isolated] false: no isolation headers, as on a plain static host
 * @property {Readonly<Record<string, string>>} [mounts] other folders, by the path they are seen at,
 *   which begins and ends with "/"
 * @property {(request: Request, response: Response, path: string) => Promise<boolean>} [handle] answers
 *   before the files do, and resolves to true if it did
 */

/**
 * @param {Response} response @param {number} status @param {string} sentence
 */
export function refuse(response, status, sentence) {
  response.writeHead(status, { 'Content-Type': TYPES['.txt'], 'Cache-Control': 'no-store' });
  response.end(`${sentence}\n`);
}

/**
 * Where a path lies on the disk.
 * @param {string} folder @param {string} path after the folder's own, with no leading "/"
 * @returns {string | undefined} undefined when it lies outside of the folder
 */
function inside(folder, path) {
  const root = resolve(folder);
  const file = resolve(root, path);
  return !path.includes('\0') && file.startsWith(root.endsWith(sep) ? root : root + sep) ? file : undefined;
}

/**
 * @param {Request} request @param {Response} response
 * @param {string} file @param {string} path
 */
async function sendFile(request, response, file, path) {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return refuse(response, 404, 'There is no such file.');
  const tag = `W/"${found.size.toString(36)}-${found.mtimeMs.toString(36)}"`;
  const headers = {
    'Content-Type': TYPES[extname(file).toLowerCase()] ?? BYTES,
    'Cache-Control': HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: tag,
  };
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Length': found.size });
  if (request.method === 'HEAD') response.end();
  // A page that leaves in the middle of a file is not an error.
  else await pipeline(createReadStream(file), response).catch(() => response.destroy());
}

/**
 * @param {Request} request @param {Response} response @param {Options} options
 */
async function answer(request, response, { root, isolated = true, mounts = {}, handle }) {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (isolated) for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value);
  let path;
  try {
    path = decodeURIComponent((request.url ?? '/').split(/[?#]/, 1)[0] ?? '/');
  } catch {
    return refuse(response, 400, 'This address is not valid.');
  }
  if (await handle?.(request, response, path)) return;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405, 'Files can only be read here.');
  }
  const [mount, folder] = Object.entries(mounts).find(([mount]) => path.startsWith(mount)) ?? ['/', root];
  const name = path.slice(mount.length);
  const file = inside(folder, name === '' || name.endsWith('/') ? `${name}index.html` : name);
  if (file === undefined) return refuse(response, 403, 'This address leads out of the folder.');
  return sendFile(request, response, file, path);
}

/**
 * @param {import('node:http').Server} server @param {number} port
 * @returns {Promise<number>} the port it listens on @throws when the port is taken
 */
function listen(server, port) {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, HOST, () => {
      server.off('error', fail);
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/**
 * @param {Options} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} `url` ends in "/"
 * @throws Error that says which port is taken
 */
export async function serve(options) {
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => response.destroy());
  });
  const first = options.port ?? FIRST_PORT;
  const last = options.port === undefined ? first + TRIES : first;
  for (let port = first; ; port += 1) {
    try {
      const taken = await listen(server, port);
      const close = () =>
        new Promise((done) => {
          server.close(() => done(undefined));
          server.closeAllConnections();
        });
      return { url: `http://${HOST}:${taken}/`, close: async () => void (await close()) };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EADDRINUSE' && port < last) continue;
      /** @type {Readonly<Record<string, string>>} */
      const sentences = {
        EADDRINUSE: `Port ${port} is taken: choose another one with --port.`,
        EACCES: `Port ${port} needs more rights: choose one above 1023.`,
      };
      throw new Error(sentences[String(code)] ?? `Port ${port} cannot be used.`, { cause: error });
    }
  }
}

/** @param {string} url */
function openBrowser(url) {
  const display = env.DISPLAY || env.WAYLAND_DISPLAY;
  if (platform === 'linux' && !display) return;
  const [command, ...args] =
    platform === 'darwin'
      ? ['open', url]
      : platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  const child = spawn(command ?? '', args, { stdio: 'ignore', detached: true });
  child.on('error', () => undefined); // no browser to open: the address is printed
  child.unref();
}

async function main() {
  const { values } = parseArgs({
    options: { open: { type: 'boolean' }, port: { type: 'string' }, root: { type: 'string' } },
  });
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65536))
    throw new Error(`${values.port} is not a port: choose a number from 0 to 65535.`);
  const root = values.root ?? fileURLToPath(new URL('../dist/', import.meta.url));
  if (!(await stat(resolve(root, 'index.html')).catch(() => undefined)))
    throw new Error(`There is no page in ${root}: run "npm run build" first.`);
  const { url } = await serve({ root, ...(port === undefined ? {} : { port }) });
  console.log(`Likewise is at ${url} (Ctrl+C ends it)`);
  if (values.open) openBrowser(url);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error instanceof Error ? error.message : String(error));
    exit(1);
  });
}
