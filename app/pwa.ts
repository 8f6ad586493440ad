/** The service worker's page side: register, wait for control, ask before an update. */

/** Longest wait for the first worker's control; a slow install must not hold the engine back. */
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

/** The new worker takes over and the page starts again; the pictures are recovered. */
export function applyUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
  waiting?.postMessage({ type: 'take-over' });
}
