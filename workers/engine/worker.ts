/** The engine worker's entry: exposes the API with comlink and moves pixels instead of copying them. */
import * as Comlink from 'comlink';
import { createApi } from './api';
import { describeAdapter } from './device';
import { inspectImage } from './image/decode';
import { openEngine } from './open';
import { threadCount } from './ort';
import type { EngineApi, OnProgress, Outcome, RunResult } from './protocol';

const api = createApi({
  open: openEngine,
  inspect: inspectImage,
  environment: async () => ({
    userAgent: navigator.userAgent,
    crossOriginIsolated: self.crossOriginIsolated,
    threads: threadCount(),
    webgpu: await describeAdapter(),
    fetched: performance.getEntriesByType('resource').map(({ name }) => name),
  }),
});

/** Previews are moved; a page that went away must not fail the job, so nothing is awaited. */
function moving(onProgress: OnProgress): OnProgress {
  return (progress) => {
    onProgress(
      progress.kind === 'preview' ? Comlink.transfer(progress, [progress.image.data.buffer]) : progress,
    );
  };
}

function movingResult(outcome: Outcome<RunResult>): Outcome<RunResult> {
  return outcome.ok ? Comlink.transfer(outcome, [outcome.value.image.data.buffer]) : outcome;
}

const exposed: EngineApi = {
  ...api,
  load: (job, packUrl, options, onProgress) => api.load(job, packUrl, options, moving(onProgress)),
  encode: (job, triplet, onProgress) => api.encode(job, triplet, moving(onProgress)),
  run: async (job, triplet, options, onProgress) =>
    movingResult(await api.run(job, triplet, options, moving(onProgress))),
  rerender: async (job, options, onProgress) =>
    movingResult(await api.rerender(job, options, moving(onProgress))),
};

Comlink.expose(exposed);
