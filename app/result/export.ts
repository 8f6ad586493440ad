/** Save and copy the result: full size, with its recipe inside the file. */
import { text } from '../i18n';
import { note } from '../state/store';
import type { Session } from '../state/session';
import { saveFile } from '../ui/save-file';
import { resultPng } from './file';
import { fileName } from './recipe';

async function resultFile({ store, parts }: Session): Promise<Blob> {
  const { shown } = store.getState();
  const { result, coefficients } = parts.pixels;
  if (!shown || !result || !coefficients) throw new Error('No result');
  return resultPng({ image: result, coefficients, report: shown.report, pack: shown.pack });
}

export async function downloadResult(session: Session): Promise<void> {
  if (!(await session.settle())) return;
  const { shown } = session.store.getState();
  if (!shown) return;
  try {
    const name = fileName(shown.pictures.b.name, shown.report.strength);
    saveFile(await resultFile(session), name);
    session.say(text.said.downloaded(name));
  } catch {
    note(session.store, 'result', text.notes.encode);
  }
}

export async function copyResult(session: Session): Promise<void> {
  let cancelled = false;
  try {
    // Safari wants the ClipboardItem made in the same turn as the click, so it gets a promise.
    const file = session.settle().then((settled) => {
      cancelled = !settled;
      if (cancelled) throw new DOMException('Cancelled', 'AbortError');
      return resultFile(session);
    });
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': file })]);
    session.say(text.said.copied);
  } catch {
    if (!cancelled) note(session.store, 'result', text.notes.copy);
  }
}
