/** The sample triplets in public/samples; credits are in public/samples/CREDITS.md. */
import type { SampleName } from '../i18n';
import type { Session } from '../state/session';
import { note } from '../state/store';
import { SLOTS } from '../state/types';
import { text } from '../i18n';

export const SAMPLES: readonly SampleName[] = [
  'warm',
  'noir',
  'framed',
  'sketch',
  'halftone',
  'mosaic',
  'snowfall',
  'kaleidoscope',
];

export function sampleUrl(sample: SampleName, file: string): string {
  return new URL(`samples/${sample}/${file}.jpg`, document.baseURI).href;
}

export async function takeSample(session: Session, sample: SampleName): Promise<void> {
  try {
    const blobs = await Promise.all(
      SLOTS.map(async (slot) => {
        const response = await fetch(sampleUrl(sample, slot));
        if (!response.ok) throw new Error(String(response.status));
        return response.blob();
      }),
    );
    await Promise.all(
      SLOTS.map((slot, index) => {
        const blob = blobs[index];
        return blob ? session.place(slot, blob, `${text.samples.names[sample]}.jpg`) : Promise.resolve(false);
      }),
    );
  } catch {
    note(session.store, 'engine', text.notes.sample);
  }
}
