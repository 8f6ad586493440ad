/**
 * The page that `npm run apply` drives: the app's own engine and PNG encoder, with no interface.
 * Pictures come from and go to the server that the page is from, as bytes.
 */
import { Engine } from '../../app/engine';
import { resultPng } from '../../app/result/file';
import type {
  EngineError,
  EngineOptions,
  LoadPhase,
  Outcome,
  PackInfo,
  Progress,
  RunOptions,
  RunPhase,
  RunReport,
  Triplet,
} from '../../workers/engine/protocol';

type Slot = 'a' | 'a2' | 'b';
const SLOTS: readonly Slot[] = ['a', 'a2', 'b'];

/** Width and height in pixels, after EXIF orientation; the file's size in bytes. */
export interface Size {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

/** One edit: where everything is, by URL, and how it is wanted. */
export interface Request {
  readonly pack: string;
  readonly backend: EngineOptions['backend'];
  readonly pictures: Readonly<Record<Slot, string>>;
  /** The PNG file is put here. */
  readonly out: string;
  readonly options: Pick<RunOptions, 'strength' | 'steps' | 'seed'>;
}

export interface Done {
  readonly ok: true;
  readonly pack: PackInfo;
  /** Milliseconds; missing when the pack was already loaded. */
  readonly loadTimings: Readonly<Partial<Record<LoadPhase, number>>> | undefined;
  readonly report: RunReport;
  /** Milliseconds for encoding the PNG file and handing it over. */
  readonly saving: number;
  /** c[l, n], one row per target. */
  readonly coefficients: readonly (readonly number[])[];
  readonly sizes: Readonly<Record<Slot | 'out', Size>>;
}

interface Refused {
  readonly ok: false;
  /** The picture at fault. */
  readonly slot?: Slot;
  readonly error: EngineError;
}

export type Answer = Done | Refused;

declare global {
  interface Window {
    /** Called by the command line. Never rejects for what the engine can explain. */
    apply(request: Request): Promise<Answer>;
    /** Provided by the command line. */
    showPhase(phase: LoadPhase | RunPhase, done: number, total: number): Promise<void>;
  }
}

/** The engine in use, and what it was made for. */
let current: { readonly key: string; readonly engine: Engine } | undefined;

function engineFor({ pack, backend }: Request): Engine {
  const key = `${backend} ${pack}`;
  if (current?.key === key) return current.engine;
  current?.engine.terminate();
  const engine = new Engine({
    spawn: () => new Worker(new URL('../../workers/engine/worker.ts', import.meta.url), { type: 'module' }),
    packUrl: () => new URL(pack, document.baseURI).href,
    options: { backend },
    grace: 0,
  });
  current = { key, engine };
  return engine;
}

/** Passes on each phase's beginning and each step, and keeps the time at which a phase began. */
class Watch {
  readonly #began = new Map<string, number>();

  readonly onProgress = (progress: Progress): void => {
    if (progress.kind === 'preview') return;
    const { phase, done, total } = progress;
    const first = !this.#began.has(phase);
    if (first) this.#began.set(phase, performance.now());
    if (first || phase === 'denoising') void window.showPhase(phase, done, total);
  };

  /** Milliseconds per phase, up to now for the last one. */
  timings(): Partial<Record<LoadPhase, number>> {
    const began = [...this.#began];
    return Object.fromEntries(
      began.map(([phase, start], index) => [phase, (began[index + 1]?.[1] ?? performance.now()) - start]),
    );
  }
}

async function load(engine: Engine): Promise<Outcome<Pick<Done, 'pack' | 'loadTimings'>>> {
  const before = engine.pack;
  if (before) return { ok: true, value: { pack: before, loadTimings: undefined } };
  const watch = new Watch();
  const loaded = await engine.load(new AbortController().signal, watch.onProgress);
  return loaded.ok ? { ok: true, value: { pack: loaded.value, loadTimings: watch.timings() } } : loaded;
}

/** Nothing here is ever cancelled, so an abort can only be a fault of ours. */
function errorOf(outcome: Exclude<Outcome<unknown>, { ok: true }>): EngineError {
  if (!outcome.aborted) return outcome.error;
  return { code: 'engine/failed', message: 'The run ended before it was done.', remedy: 'Try again.' };
}

async function picture(url: string): Promise<Blob> {
  const response = await fetch(url, { cache: 'no-store' });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.blob();
}

/** Says which picture is at fault, where the engine would only say what is wrong. */
async function measure(engine: Engine, triplet: Triplet): Promise<Readonly<Record<Slot, Size>> | Refused> {
  const sizes: Partial<Record<Slot, Size>> = {};
  for (const slot of SLOTS) {
    const size = await engine.inspect(triplet[slot]);
    if (!size.ok) return { ok: false, slot, error: errorOf(size) };
    sizes[slot] = { ...size.value, bytes: triplet[slot].size };
  }
  return sizes as Record<Slot, Size>;
}

window.apply = async (request) => {
  const engine = engineFor(request);
  const { pictures, options, out } = request;
  const [a, a2, b] = await Promise.all([picture(pictures.a), picture(pictures.a2), picture(pictures.b)]);
  const triplet = { a, a2, b };
  const [loaded, sizes] = await Promise.all([load(engine), measure(engine, triplet)]);
  if ('ok' in sizes) return sizes;
  if (!loaded.ok) return { ok: false, error: errorOf(loaded) };

  const { onProgress } = new Watch();
  const ran = await engine.run(new AbortController().signal, triplet, options, onProgress);
  if (!ran.ok) return { ok: false, error: errorOf(ran) };
  const { image, coefficients, report } = ran.value;

  const start = performance.now();
  const png = await resultPng({ image, coefficients, report, pack: loaded.value.pack });
  const taken = await fetch(out, { method: 'PUT', body: png });
  if (!taken.ok) throw new Error(`${out}: ${taken.status}`);
  const saving = performance.now() - start;

  const { targets, elements, values } = coefficients;
  const rows = Array.from({ length: targets }, (_, l) => [
    ...values.subarray(l * elements, (l + 1) * elements),
  ]);
  return {
    ok: true,
    ...loaded.value,
    report,
    saving,
    coefficients: rows,
    sizes: { ...sizes, out: { width: image.width, height: image.height, bytes: png.size } },
  };
};
