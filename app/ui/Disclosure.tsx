import type { ReactNode } from 'react';
import { ChevronIcon } from './icons';

interface Props {
  readonly label: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly onToggle?: (open: boolean) => void;
}

export function Disclosure({ label, children, className = '', onToggle }: Props): ReactNode {
  return (
    <details className={`disclosure ${className}`} onToggle={(event) => onToggle?.(event.currentTarget.open)}>
      <summary>
        <ChevronIcon />
        <span>{label}</span>
      </summary>
      <div className="disclosure-body">{children}</div>
    </details>
  );
}
