/** Actions as data: one object gives the button, the shortcut and the line in the shortcuts help. */
import { text } from '../i18n';
import { copyDiagnostics } from '../settings/diagnostics';
import { copyResult, downloadResult } from '../result/export';
import type { Session } from './session';
import { isWorking } from './store';
import type { State } from './types';

export interface Shortcut {
  /** KeyboardEvent.key, lower case. */
  readonly key: string;
  /** Ctrl, or ⌘ on Apple keyboards. */
  readonly mod?: true;
  readonly shift?: true;
}

export interface Action {
  readonly label: string;
  readonly shortcut?: Shortcut;
  readonly enabled: (state: State) => boolean;
  readonly run: (session: Session) => void | Promise<void>;
}

export type ActionId = 'generate' | 'cancel' | 'download' | 'copy' | 'clear' | 'diagnostics' | 'keys';

const always = (): boolean => true;
const hasResult = (state: State): boolean => state.shown !== undefined && !isWorking(state);

export const actions: Readonly<Record<ActionId, Action>> = {
  generate: {
    label: text.actions.generate,
    shortcut: { key: 'enter', mod: true },
    enabled: (state) => !isWorking(state),
    run: (session) => session.generate(),
  },
  cancel: {
    label: text.actions.cancel,
    shortcut: { key: 'escape' },
    enabled: isWorking,
    run: (session) => session.cancel(),
  },
  download: {
    label: text.actions.download,
    shortcut: { key: 's', mod: true },
    enabled: hasResult,
    run: downloadResult,
  },
  copy: {
    label: text.actions.copy,
    shortcut: { key: 'c' },
    enabled: hasResult,
    run: copyResult,
  },
  clear: {
    label: text.actions.clear,
    enabled: (state) => Object.values(state.asked.pictures).some(Boolean) || state.shown !== undefined,
    run: (session) => session.clear(),
  },
  diagnostics: { label: text.actions.diagnostics, enabled: always, run: copyDiagnostics },
  keys: {
    label: text.actions.keys,
    shortcut: { key: '?' },
    enabled: always,
    run: () => {
      const dialog = document.getElementById('keys');
      if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
    },
  },
};

const apple = (): boolean => /Mac|iPhone|iPad/.test(navigator.userAgent);

export function shortcutLabel({ key, mod, shift }: Shortcut): string {
  const name = { enter: 'Enter', escape: 'Esc' }[key] ?? key.toUpperCase();
  return [mod ? (apple() ? '⌘' : 'Ctrl') : '', shift ? 'Shift' : '', name].filter(Boolean).join(' + ');
}

export function matches(
  shortcut: Shortcut,
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>,
): boolean {
  if (event.altKey || event.key.toLowerCase() !== shortcut.key) return false;
  const mod = event.ctrlKey || event.metaKey;
  // "?" needs Shift on most keyboards, so Shift is only compared together with Ctrl or ⌘.
  return mod === (shortcut.mod ?? false) && (!mod || event.shiftKey === (shortcut.shift ?? false));
}

/** Handle shortcuts for the whole page until the returned function is called. */
export function listen(session: Session): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.repeat) return;
    if (document.querySelector('dialog[open]')) return;
    const typing =
      event.target instanceof HTMLElement &&
      event.target.matches('input[type=number], input[type=text], textarea');
    for (const action of Object.values(actions)) {
      const { shortcut } = action;
      if (!shortcut || !matches(shortcut, event) || (typing && !shortcut.mod)) continue;
      if (!action.enabled(session.store.getState())) continue;
      event.preventDefault();
      void action.run(session);
      return;
    }
  };
  window.addEventListener('keydown', onKey);
  return () => window.removeEventListener('keydown', onKey);
}
