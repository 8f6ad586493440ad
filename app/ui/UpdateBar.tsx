import { useState, type ReactNode } from 'react';
import { text } from '../i18n';
import { applyUpdate } from '../pwa';
import { useApp } from './use-store';

/** Asks before a new version takes over. */
export function UpdateBar(): ReactNode {
  const ready = useApp((state) => state.updateReady);
  const [later, setLater] = useState(false);
  return (
    <div role="status" className="update-slot">
      {ready && !later && (
        <div className="update">
          <p>{text.update.ready}</p>
          <button type="button" className="button button-quiet" onClick={() => setLater(true)}>
            {text.update.later}
          </button>
          <button type="button" className="button button-primary" onClick={applyUpdate}>
            {text.actions.update}
          </button>
        </div>
      )}
    </div>
  );
}
