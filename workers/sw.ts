/**
 * The service worker: after one visit the whole page works with the server gone.
 *
 * - Page, samples and icons are precached at install, by hash (workbox-precaching).
 * - The ONNX Runtime files and the pack are large, and which of them are needed depends on the
 *   machine: they are kept when they are first used. A page that used them before it was under this
 *   worker's control names them in a `keep` message. Their cache key carries the build's hash, so an
 *   old file is never taken for a new one.
 * - Every response gets the headers that make the page cross-origin isolated, so that WASM
 *   threads work on static hosts that cannot set them.
 * - A new version waits until the page says `take-over`.
 */
import { PrecacheController, type PrecacheEntry } from 'workbox-precaching';

declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly (PrecacheEntry | string)[];
};

const HEAVY = /^(?:ort|packs)\//;
const HEAVY_CACHE = 'likewise-heavy';
const KEY = '__revision';

// oxlint-disable-next-line no-underscore-dangle -- the name is Workbox's
const entries = self.__WB_MANIFEST.map((entry): PrecacheEntry =>
  typeof entry === 'string' ? { url: entry } : entry,
);
const light = entries.filter(({ url }) => !HEAVY.test(url));
const heavy = new Map(
  entries
    .filter(({ url }) => HEAVY.test(url))
    .map(({ url, revision }) => {
      const plain = new URL(url, self.registration.scope);
      const key = new URL(plain);
      key.searchParams.set(KEY, revision ?? 'named');
      return [plain.href, key.href] as const;
    }),
);

function isolated(response: Response): Response {
  // An opaque or error response cannot be copied; a redirected one may not be used for navigation.
  if (response.type === 'opaque' || response.type === 'error' || response.type === 'opaqueredirect')
    return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const empty = response.status === 204 || response.status === 304;
  return new Response(empty ? null : response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}

const precache = new PrecacheController();
precache.addToCacheList([...light]);

/** Writes to the cache that are not finished, by key; true when the file is then there. */
const writing = new Map<string, Promise<boolean>>();

/** Only whole files are kept; keeping is best effort, since a full disk must not stop the run. */
function write(cache: Cache, key: string, response: Response): Promise<boolean> {
  if (response.status !== 200) return Promise.resolve(false);
  const done = cache
    .put(key, response)
    .then(
      () => true,
      () => false,
    )
    .finally(() => writing.delete(key));
  writing.set(key, done);
  return done;
}

async function fromHeavy(
  { request, waitUntil }: Pick<FetchEvent, 'request' | 'waitUntil'>,
  key: string,
): Promise<Response> {
  const cache = await caches.open(HEAVY_CACHE);
  // A whole file is a valid answer to a range request too. A reload asks because this one was bad.
  const kept = request.cache === 'reload' ? undefined : await cache.match(key);
  if (kept) return kept;
  const response = await fetch(request);
  waitUntil(write(cache, key, response.clone()));
  return response;
}

/** True when all of these addresses will be answered with the server gone. */
async function keep(addresses: readonly unknown[]): Promise<boolean> {
  const cache = await caches.open(HEAVY_CACHE);
  let all = true;
  for (const address of addresses) {
    const key = typeof address === 'string' ? heavy.get(address) : undefined;
    if (typeof address !== 'string' || key === undefined) continue;
    if ((await writing.get(key)) || (await cache.match(key))) continue;
    const response = await fetch(address).catch(() => undefined);
    all = response !== undefined && (await write(cache, key, response)) && all;
  }
  return all;
}

async function dropOldHeavy(): Promise<void> {
  const cache = await caches.open(HEAVY_CACHE);
  const wanted = new Set(heavy.values());
  const kept = await cache.keys();
  await Promise.all(kept.filter(({ url }) => !wanted.has(url)).map((request) => cache.delete(request)));
}

async function answer(event: Pick<FetchEvent, 'request' | 'waitUntil'>): Promise<Response> {
  const { request } = event;
  const url = new URL(request.url);
  url.hash = '';
  const plain = new URL(url);
  plain.search = '';
  const heavyKey = heavy.get(plain.href);
  if (heavyKey) return isolated(await fromHeavy(event, heavyKey));
  const page = request.mode === 'navigate' ? new URL('index.html', self.registration.scope).href : plain.href;
  const kept = await precache.matchPrecache(page);
  return isolated(kept ?? (await fetch(request)));
}

self.addEventListener('install', (event) => {
  event.waitUntil(precache.install(event));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    Promise.all([precache.activate(event), dropOldHeavy()])
      // The first visit's engine starts under this worker, so that what it fetches is kept.
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer({ request, waitUntil: (work) => event.waitUntil(work) }));
});

self.addEventListener('message', (event) => {
  const data: unknown = event.data;
  if (typeof data !== 'object' || data === null || !('type' in data)) return;
  if (data.type === 'take-over') void self.skipWaiting();
  if (data.type === 'keep' && 'addresses' in data && Array.isArray(data.addresses)) {
    const [port] = event.ports;
    event.waitUntil(keep(data.addresses).then((kept) => port?.postMessage(kept)));
  }
});
