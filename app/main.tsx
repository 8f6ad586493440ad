/** Starts the page: first the picture of it, then, when idle, everything that computes. */
import { startTransition, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { createEngine } from './engine';
import { keepForOffline, registerServiceWorker } from './pwa';
import { pixels } from './result/pixels';
import { applyTheme, readTheme } from './settings/theme';
import { listen } from './state/actions';
import { markRun, tookCrash } from './state/crash-guard';
import { Session } from './state/session';
import { indexedDbStorage } from './state/storage';
import { createAppStore } from './state/store';
import { images } from './triplet/images';
import { listenForFiles } from './triplet/intake';
import { SessionContext } from './ui/use-store';
import './ui/styles.css';

applyTheme(readTheme());

const store = createAppStore();
const crashed = tookCrash();
store.setState({ crashed });

// `?backend=wasm` or `webgpu` is for tests and for diagnosis; people get `auto`.
const wanted = new URLSearchParams(location.search).get('backend');
const engine = createEngine({ backend: wanted === 'wasm' || wanted === 'webgpu' ? wanted : 'auto' });
const whenCacheReady = registerServiceWorker(() => store.setState({ updateReady: true }));
const session = new Session({
  store,
  engine,
  images,
  pixels,
  storage: indexedDbStorage('likewise'),
  whenCacheReady,
  keepForOffline,
});

const container = document.getElementById('root');
if (!container) throw new Error('index.html has no #root');
const root = createRoot(container);
// A transition is rendered in slices, so that no task keeps the thread for long.
startTransition(() =>
  root.render(
    <StrictMode>
      <SessionContext value={session}>
        <App />
      </SessionContext>
    </StrictMode>,
  ),
);

// Leaving on purpose is no crash; a tab that is killed gets no such event.
window.addEventListener('pagehide', () => markRun(false));
listen(session);
listenForFiles(session);

const whenIdle: (task: () => void) => void =
  'requestIdleCallback' in window
    ? (task) => requestIdleCallback(task, { timeout: 2000 })
    : (task) => setTimeout(task, 300);

/** Longest wait for the first paint: Chromium may report none in a tab that is reloaded behind another. */
const PATIENCE = 3000;

/** So that nothing of the engine competes with the first paint. */
function afterFirstPaint(task: () => void): void {
  if (!PerformanceObserver.supportedEntryTypes.includes('paint')) {
    requestAnimationFrame(() => requestAnimationFrame(task));
    return;
  }
  const go = (): void => {
    observer.disconnect();
    clearTimeout(late);
    task();
  };
  const observer = new PerformanceObserver((list) => {
    if (list.getEntriesByName('first-contentful-paint').length > 0) go();
  });
  const late = setTimeout(go, PATIENCE);
  observer.observe({ type: 'paint', buffered: true });
}

afterFirstPaint(() => {
  void session.recover();
  whenIdle(() => void session.warm());
});
