/** The service worker's page side: register, wait for control, ask before an update. */

/** Longest wait for a worker's control: the first one's, which holds the engine back, and a new one's. */
const PATIENCE = 5000;

let waiting: ServiceWorker | undefined;

function watch(registration: ServiceWorkerRegistration, onUpdate: () => void): void {
  const found = (worker: ServiceWorker | null): void => {
    // Without a controller this is the first visit, not an update.
    if (!worker || !navigator.serviceWorker.controller) return;
    waiting = worker;
    onUpdate();
  };
  found(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const { installing } = registration;
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'installed') found(registration.waiting);
    });
  });
  // The files of this page's version may be gone once another tab's update has taken over.
  let controlled = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (controlled) onUpdate();
    controlled = true;
  });
}

/** Resolves when what the engine fetches will be kept for offline use, or when that cannot be. */
export async function registerServiceWorker(onUpdate: () => void): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const container = navigator.serviceWorker;
  try {
    watch(await container.register(new URL('sw.js', document.baseURI)), onUpdate);
    if (container.controller) return;
    await new Promise<void>((resolve) => {
      container.addEventListener('controllerchange', () => resolve(), { once: true });
      setTimeout(resolve, PATIENCE);
    });
  } catch {
    // No service worker (private window, plain http): the page works, only not offline.
  }
}

/**
 * Has the service worker keep what the engine fetched, also what it fetched before the worker had
 * control. True when a whole edit then works offline; never settles where there is no worker.
 */
export async function keepForOffline(addresses: readonly string[]): Promise<boolean> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return false;
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener('message', ({ data }) => {
      resolve(data === true);
      port1.close();
    });
    port1.start();
    active?.postMessage({ type: 'keep', addresses }, [port2]);
  });
}

/**
 * The new worker takes over and the page starts again; the pictures are recovered.
 *
 * The old worker stays for as long as an answer of its is not read to the end. Chromium now and then
 * leaves one unread for ever, the script of a thread that starts in that moment; a reload drops it.
 */
export function applyUpdate(): void {
  const reload = (): void => location.reload();
  if (waiting?.state !== 'installed') return reload();
  navigator.serviceWorker.addEventListener('controllerchange', reload, { once: true });
  setTimeout(reload, PATIENCE);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
  waiting.postMessage({ type: 'take-over' });
}
