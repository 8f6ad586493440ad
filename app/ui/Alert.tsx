import type { ReactNode } from 'react';
import { text } from '../i18n';
import { SLOTS, type Place } from '../state/types';
import { ActionButton } from './Button';
import { CloseIcon, WarningIcon } from './icons';
import { useApp, useSession } from './use-store';

/** The error that concerns one place of the page, with what can be done about it. */
export function PlaceAlert({ place }: { readonly place: Place }): ReactNode {
  const session = useSession();
  const note = useApp((state) => state.notes[place]);
  // What the page itself asks for beside a zone is a hint, gone with the next picture; the rest is an error.
  const hint = note && !note.code && SLOTS.some((slot) => slot === place);
  return (
    <div role="alert" className="alert-slot" data-alert={place}>
      {note && (
        <div className={hint ? 'alert alert-hint' : 'alert'}>
          {!hint && <WarningIcon />}
          <div className="alert-words">
            <p>
              <strong>{note.message}</strong> {note.remedy}
            </p>
            {note.code && <small>{note.code}</small>}
            {note.code && !note.code.startsWith('image/') && <ActionButton action="diagnostics" />}
          </div>
          {!hint && (
            <button
              type="button"
              className="icon-button"
              aria-label={text.actions.close}
              onClick={() => session.dismiss(place)}
            >
              <CloseIcon />
            </button>
          )}
        </div>
      )}
    </div>
  );
}
