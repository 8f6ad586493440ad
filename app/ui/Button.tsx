import type { ReactNode } from 'react';
import { actions, shortcutLabel, type ActionId } from '../state/actions';
import { useApp, useSession } from './use-store';

interface Props {
  readonly action: ActionId;
  readonly kind?: 'primary' | 'plain' | 'quiet';
  readonly icon?: ReactNode;
  readonly className?: string;
}

/** A button for one action of the actions table. */
export function ActionButton({ action, kind = 'plain', icon, className = '' }: Props): ReactNode {
  const session = useSession();
  const { label, shortcut, enabled, run } = actions[action];
  const on = useApp(enabled);
  return (
    <button
      type="button"
      className={`button button-${kind} ${className}`}
      disabled={!on}
      title={shortcut ? shortcutLabel(shortcut) : undefined}
      onClick={() => void run(session)}
    >
      {icon}
      <span>{label}</span>
    </button>
  );
}
