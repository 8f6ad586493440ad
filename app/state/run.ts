/** Load, run and rerender: the engine's progress and outcomes, written to the store. */
import type { Progress, RunResult, Triplet } from '../../workers/engine/protocol';
import { text } from '../i18n';
import { markRun } from './crash-guard';
import type { Parts } from './session';
import { emptySlots, note } from './store';
import { SLOTS, type Picture, type Shown, type Slot } from './types';

/** While the strength is dragged on a bigger picture, a copy of this size is shown first. */
const LIVE_SIDE = { webgpu: 1600, wasm: 900 } as const;

let loading: Promise<boolean> | undefined;

/** True when the pack is loaded. `quiet`: an error is left for the run that needs the pack. */
export async function loadPack(parts: Parts, signal: AbortSignal, quiet = false): Promise<boolean> {
  const { store, engine } = parts;
  // A load that already runs is not begun again; cancelling ends the wait for it, not the load.
  if (loading && (await Promise.race([loading, aborted(signal)]))) return true;
  if (signal.aborted) return false;
  loading = (async () => {
    const outcome = await engine.load(signal, (progress) => onProgress(parts, progress));
    if (store.getState().activity.kind === 'loading') store.setState({ activity: { kind: 'idle' } });
    if (outcome.ok) {
      store.setState({ pack: outcome.value });
      void keepUsed(parts);
      return true;
    }
    if (!outcome.aborted && !quiet) note(store, 'result', outcome.error);
    return false;
  })().finally(() => {
    loading = undefined;
  });
  return loading;
}

/** Everything an edit needs has been fetched once the pack is loaded: see that it is kept. */
async function keepUsed({ store, engine, keepForOffline }: Parts): Promise<void> {
  const fetched = (await engine.diagnostics())?.fetched;
  if (fetched && (await keepForOffline(fetched))) store.setState({ offlineReady: true });
}

function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });
}

function onProgress({ store, pixels }: Parts, progress: Progress): void {
  switch (progress.kind) {
    case 'load':
      store.setState({ activity: { ...progress, kind: 'loading' } });
      return;
    case 'run':
      store.setState({ activity: { ...progress, kind: 'running' } });
      return;
    case 'preview': {
      pixels.preview = progress.image;
      const { step, steps, place } = progress;
      store.setState({ preview: { step, steps, place } });
      return;
    }
    default:
      progress satisfies never;
  }
}

/** What is asked for, as soon as there is a pair: as long as b is missing, `otherwise`. */
function tripletOf({ store, images }: Parts, otherwise?: Slot): Triplet | undefined {
  const { pictures } = store.getState().asked;
  const blob = (picture: Picture | undefined): Blob | undefined => picture && images.blob(picture.id);
  const [a, a2, b] = [pictures.a, pictures.a2, pictures.b ?? (otherwise && pictures[otherwise])].map(blob);
  return a && a2 && b && { a, a2, b };
}

/**
 * Reads the pictures before they are asked for: what is left to the run is to merge, to draw and to render. Most of
 * it is the pair, so that is read without b already, by asking for a itself. A failure is left to the run, which
 * meets it again.
 */
export async function readAhead(parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, engine } = parts;
  const busy = (): boolean => store.getState().busy;
  const triplet = tripletOf(parts, 'a');
  if (triplet === undefined || busy() || signal.aborted) return;
  markRun(true);
  // A run that is asked for meanwhile waits for this, so its progress is the run's.
  await engine.encode(signal, triplet, (progress) => {
    if (busy()) onProgress(parts, progress);
  });
  if (!busy()) markRun(false);
}

/** False when cancelled first: pictures that were dropped are still being looked at, and count as given. */
async function allChecked({ store }: Parts, signal: AbortSignal): Promise<boolean> {
  if (store.getState().checking.length === 0) return true;
  store.setState({ busy: true, said: '' });
  const checked = new Promise<true>((resolve) => {
    const stop = store.subscribe(({ checking }) => {
      if (checking.length > 0) return;
      stop();
      resolve(true);
    });
  });
  const done = await Promise.race([checked, aborted(signal)]);
  store.setState({ busy: false, said: done ? '' : text.said.cancelled });
  return done;
}

export async function generate(parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, engine } = parts;
  for (const place of ['result', ...SLOTS] as const) note(store, place, undefined);
  if (!(await allChecked(parts, signal))) return;
  const { asked, notes } = store.getState();
  // What is wrong with a picture that was dropped here says more than that there is none.
  const missing = emptySlots(asked).filter((slot) => !notes[slot]);
  for (const slot of missing) note(store, slot, text.notes.missing(slot));
  const { a, a2, b } = asked.pictures;
  const triplet = tripletOf(parts);
  if (!a || !a2 || !b || !triplet || SLOTS.some((slot) => notes[slot])) return;

  const began = performance.now();
  store.setState({ busy: true, preview: undefined, said: '', crashed: false });
  markRun(true);
  try {
    if (!(await loadPack(parts, signal))) {
      if (signal.aborted) store.setState({ said: text.said.cancelled });
      return;
    }
    const { strength, steps, seed } = asked;
    const options = { strength, seed, ...(steps === undefined ? {} : { steps }) };
    const outcome = await engine.run(signal, triplet, options, (progress) => onProgress(parts, progress));
    if (outcome.ok) {
      show(parts, outcome.value, { a, a2, b }, true);
      store.setState({ said: text.said.done(((performance.now() - began) / 1000).toFixed(1)) });
    } else if (outcome.aborted) {
      store.setState({ said: text.said.cancelled });
    } else {
      note(store, 'result', outcome.error);
    }
  } finally {
    markRun(false);
    parts.pixels.preview = undefined;
    store.setState({ busy: false, preview: undefined, activity: { kind: 'idle' }, pack: engine.pack });
  }
  // The strength may have been moved while the run was on.
  const now = store.getState();
  if (now.shown && now.shown.report.strength !== now.asked.strength) {
    await rerender(parts, now.asked.strength, signal);
  }
}

function show(parts: Parts, result: RunResult, pictures: Record<Slot, Picture>, full: boolean): void {
  const { store, engine, pixels } = parts;
  const pack = engine.pack;
  if (!pack) return;
  pixels.result = result.image;
  pixels.coefficients = result.coefficients;
  const { width, height } = result.image;
  const revision = (store.getState().shown?.revision ?? 0) + 1;
  const shown: Shown = { revision, pictures, width, height, full, report: result.report, pack };
  store.setState({ shown });
}

/**
 * Show the last run at another strength: a smaller copy of a large picture. With `whole`, at full
 * size, with progress.
 */
export async function rerender(
  parts: Parts,
  strength: number,
  signal: AbortSignal,
  whole = false,
): Promise<void> {
  const { store, engine } = parts;
  const { shown, busy } = store.getState();
  if (!shown || busy) return;
  const { width, height } = shown.report.size;
  const maxSide = LIVE_SIDE[shown.pack.backend];
  const small = !whole && Math.max(width, height) > maxSide;
  const options = small ? { strength, maxSide } : { strength };
  const outcome = await engine.rerender(signal, options, (progress) => {
    if (whole) onProgress(parts, progress);
  });
  // A run that was started meanwhile owns what is shown.
  if (store.getState().busy || store.getState().shown?.pictures !== shown.pictures) return;
  if (outcome.ok) {
    note(store, 'result', undefined);
    show(parts, outcome.value, shown.pictures, !small);
  } else if (!outcome.aborted) {
    note(store, 'result', outcome.error.code === 'engine/not-loaded' ? text.notes.rerender : outcome.error);
  }
}
