/** From a pack's URL to an engine: choose the backend, then fetch, verify, upload and compile. */
import { chooseBackend } from './device';
import { PackEngine, type Engine } from './engine';
import { appBase } from './base-url';
import { throwIfAborted } from './errors';
import { decodeImage } from './image/decode';
import { reportLoad, type Hooks } from './job';
import { openModel } from './model';
import { fetchFiles, fetchManifest, type LoadContext } from './pack/load';
import { filesFor, precisionFor } from './pack/manifest';
import type { EngineOptions } from './protocol';
import { withRuntime } from './runtime';

/**
 * @param packUrl ends in `/`; a relative one is resolved against the app's base
 * @throws EngineFailure `pack/…`, `engine/no-backend`, `engine/out-of-memory`
 */
export async function openEngine(packUrl: string, options: EngineOptions, hooks: Hooks): Promise<Engine> {
  const context: LoadContext = {
    fetchFile: (url, init) => fetch(url, init),
    signal: hooks.signal,
    onProgress: (phase, done, total) => reportLoad(hooks, phase, done, total),
  };
  reportLoad(hooks, 'checking', 0, 2);
  const base = new URL(packUrl, appBase()).href;
  const manifest = await fetchManifest(context, base);
  reportLoad(hooks, 'checking', 1, 2);
  const choice = await chooseBackend(options.backend);
  return withRuntime(choice, async (runtime) => {
    try {
      reportLoad(hooks, 'checking', 2, 2);
      const precision = precisionFor(manifest, runtime.hasFp16);
      const files = await fetchFiles(context, base, filesFor(manifest, precision));
      const model = await openModel(runtime, manifest, files, precision, hooks);
      // A cancel that came during the last session's creation.
      if (hooks.signal.aborted) await model.dispose();
      throwIfAborted(hooks.signal);
      return new PackEngine(runtime, model, decodeImage);
    } catch (thrown) {
      await runtime.dispose();
      throw thrown;
    }
  });
}
