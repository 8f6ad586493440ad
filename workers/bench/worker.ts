/** The benchmark's worker for the page: the shipped pack on this machine's own device. */
import * as Comlink from 'comlink';
import { appBase } from '../engine/base-url';
import { findAdapter, openDevice } from '../engine/device';
import { EngineFailure, toOutcome } from '../engine/errors';
import type { Hooks } from '../engine/job';
import { openModel } from '../engine/model';
import { loadOrt } from '../engine/ort';
import { fetchFiles, fetchManifest, type LoadContext } from '../engine/pack/load';
import { filesFor, graphOf } from '../engine/pack/manifest';
import { openWasm, openWebGpu } from '../engine/runtime';
import type { BenchApi } from './results';
import { measureAll, type Place } from './run';

const hooks: Hooks = { signal: new AbortController().signal, onProgress: () => undefined };

async function openPlace(): Promise<Place> {
  const adapter = await findAdapter();
  if (adapter === undefined) {
    throw new EngineFailure(
      'engine/no-backend',
      'This browser offers no WebGPU here, and that is what is measured.',
      'Use a current Chrome, Edge or Safari on a machine with a graphics card.',
    );
  }
  const own = await openDevice(adapter);
  const runtime = await openWebGpu(await loadOrt('webgpu'), own);
  const wasm = await openWasm(await loadOrt('wasm'));
  const context: LoadContext = {
    fetchFile: (url, init) => fetch(url, init),
    signal: hooks.signal,
    onProgress: () => undefined,
  };
  const base = new URL('packs/studio/', appBase()).href;
  const manifest = await fetchManifest(context, base);
  return {
    where: navigator.userAgent,
    device: own.device,
    runtime,
    wasm,
    manifest,
    async open(on, precision) {
      const files = await fetchFiles(context, base, filesFor(manifest, precision));
      const graph = files.get(graphOf(manifest.denoiser.graphs, precision));
      if (graph === undefined) throw new Error('the pack has no such graph');
      return { model: await openModel(on, manifest, files, precision, hooks), graph };
    },
  };
}

const bench: BenchApi = {
  measure: (rounds, onPart) =>
    toOutcome(async () => {
      const place = await openPlace();
      return measureAll(place, place.runtime.hasFp16 ? 'float16' : 'float32', rounds, onPart);
    }),
};

Comlink.expose(bench);
