/** One of the other threads that render bands of a picture. */
import * as Comlink from 'comlink';
import { renderBands, type Bands } from './compute/bands';
import type { RenderJob } from './compute/reference/render';

const helper = {
  help(job: RenderJob, bands: Bands): void {
    let left = true;
    for (const render = renderBands(job, bands); left;) left = render.next().done !== true;
  },
};

export type Helper = typeof helper;

Comlink.expose(helper);
