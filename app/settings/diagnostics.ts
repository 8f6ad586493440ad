/** "Copy diagnostics": what a person pastes into a report. No picture, no file name. */
import { text } from '../i18n';
import type { Session } from '../state/session';
import { note } from '../state/store';

export async function diagnosticsText({ store, parts }: Session): Promise<string> {
  const { pack, notes, shown } = store.getState();
  const engine = await parts.engine.diagnostics();
  const page = {
    userAgent: navigator.userAgent,
    crossOriginIsolated: globalThis.crossOriginIsolated,
    cores: navigator.hardwareConcurrency,
    serviceWorker: Boolean(navigator.serviceWorker?.controller),
    screen: `${innerWidth}×${innerHeight} @${devicePixelRatio}`,
    pack: pack && `${pack.id} ${pack.version}`,
    lastReport: shown?.report,
    notes,
  };
  return JSON.stringify({ page, engine: engine ?? 'not started' }, null, 2);
}

export async function copyDiagnostics(session: Session): Promise<void> {
  try {
    const blob = diagnosticsText(session).then((body) => new Blob([body], { type: 'text/plain' }));
    await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
    session.say(text.said.diagnosticsCopied);
  } catch {
    note(session.store, 'engine', text.notes.copy);
  }
}
