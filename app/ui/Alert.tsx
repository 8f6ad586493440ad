import type { ReactNode } from 'react';
import { text } from '../i18n';
import type { Place } from '../state/types';
import { CloseIcon, WarningIcon } from './icons';
import { useApp, useSession } from './use-store';

/** The error that concerns one place of the page, with what can be done about it. */
export function PlaceAlert({ place }: { readonly place: Place }): ReactNode {
  const session = useSession();
  const note = useApp((state) => state.notes[place]);
  return (
    <div role="alert" className="alert-slot" data-alert={place}>
      {note && (
        <div className="alert">
          <WarningIcon />
          <p>
            <strong>{note.message}</strong> {note.remedy}
            {note.code && <small className="alert-code">{note.code}</small>}
          </p>
          <button type="button" className="icon-button" aria-label={text.actions.close} onClick={() => session.dismiss(place)}>
            <CloseIcon />
          </button>
        </div>
      )}
    </div>
  );
}
