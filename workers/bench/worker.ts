/** The benchmark's worker for the page: the shipped pack on this machine's own device. */
import * as Comlink from 'comlink';
import { appBase } from '../engine/base-url';
import { chooseBackend } from '../engine/device';
import { toOutcome } from '../engine/errors';
import { unwatched } from '../engine/job';
import type { BenchApi } from './results';
import { measureAll, openBed } from './run';

/** Enough to see what grows. */
const EDITS = 12;

const bench: BenchApi = {
  measure: (rounds, onPart) =>
    toOutcome(async () => {
      const bed = await openBed(await chooseBackend('webgpu'));
      const pack = {
        base: new URL('packs/studio/', appBase()).href,
        context: {
          fetchFile: (url: string, init?: RequestInit) => fetch(url, init),
          signal: unwatched.signal,
          onProgress: () => undefined,
        },
      };
      const place = { ...bed, where: navigator.userAgent, pack };
      return measureAll(place, bed.runtime.hasFp16 ? 'float16' : 'float32', { rounds, edits: EDITS }, onPart);
    }),
};

Comlink.expose(bench);
