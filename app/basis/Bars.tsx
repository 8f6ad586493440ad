import type { ReactNode } from 'react';
import { text } from '../i18n';
import { largest } from './summary';

interface Props {
  readonly means: Float64Array;
  /** The elements named in the text, drawn stronger. */
  readonly top: readonly number[];
  readonly nameOf: (index: number) => string;
}

/** One bar per basis element, in the basis's order: the edit's fingerprint. Negative ones hang down. */
export function Bars({ means, top, nameOf }: Props): ReactNode {
  const most = largest(means) || 1;
  const signed = means.some((mean) => mean < 0);
  return (
    <div
      className="bars"
      role="img"
      aria-label={text.basis.bars(means.length)}
      data-signed={signed ? '' : undefined}
    >
      {[...means].map((mean, index) => (
        <span
          // The basis's order is fixed: the index is the element.
          key={index}
          className="bar"
          data-top={top.includes(index) ? '' : undefined}
          data-negative={mean < 0 ? '' : undefined}
          title={`${nameOf(index)}: ${mean.toFixed(3)}`}
          style={{ '--height': Math.abs(mean) / most }}
        />
      ))}
    </div>
  );
}
