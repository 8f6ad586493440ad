import type { ReactNode } from 'react';
import { text } from '../i18n';
import { actions, shortcutLabel } from '../state/actions';

/** The shortcuts help, printed from the actions table. */
export function Keys(): ReactNode {
  const rows = Object.values(actions).flatMap(({ label, shortcut }) =>
    shortcut ? [[shortcutLabel(shortcut), label] as const] : [],
  );
  return (
    <dialog id="keys" className="dialog" aria-labelledby="keys-title">
      <h2 id="keys-title">{text.keys.title}</h2>
      <dl className="facts">
        {[
          ...rows,
          [shortcutLabel({ key: 'v', mod: true }), text.keys.paste] as const,
          ['← →', text.keys.compare] as const,
        ].map(([key, label]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" className="button button-plain">
          {text.actions.close}
        </button>
      </form>
    </dialog>
  );
}
