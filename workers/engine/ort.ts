/** Loads the ONNX Runtime build that fits, with its runtime files from `<base>/ort/`. */
import type * as Ort from 'onnxruntime-web';
import { appBase } from './base-url';
import { EngineFailure } from './errors';
import type { Backend } from './protocol';

export type OrtModule = typeof Ort;

/** At most four: more threads than that cost more in waiting than they bring at these sizes. */
export function threadCount(): number {
  return self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
}

/** JSPI has the smaller file and cheaper calls; Safari and Firefox get Asyncify instead. */
function hasJspi(): boolean {
  return 'Suspending' in WebAssembly;
}

async function importOrt(backend: Backend): Promise<OrtModule> {
  if (backend === 'wasm') return import('onnxruntime-web/wasm');
  return hasJspi() ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu');
}

/**
 * The runtime for a backend. Its wasm is fetched with the first session.
 * @throws EngineFailure `engine/no-backend` when its script cannot be fetched
 */
export async function loadOrt(backend: Backend): Promise<OrtModule> {
  try {
    const ort = await importOrt(backend);
    ort.env.wasm.wasmPaths = new URL('ort/', appBase()).href;
    ort.env.wasm.numThreads = threadCount();
    ort.env.logLevel = 'error';
    return ort;
  } catch (thrown) {
    throw new EngineFailure(
      'engine/no-backend',
      'The part of the app that runs models could not be loaded.',
      'Check the connection and reload the page.',
      thrown,
    );
  }
}
