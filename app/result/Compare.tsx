import { useId, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { text } from '../i18n';
import { HandleIcon } from '../ui/icons';
import { clipsOf, percentAfterKey, percentAt } from './compare';

interface Props {
  readonly before: ReactNode;
  readonly after: ReactNode;
}

/** b and b′ in one frame with a line between them that pointer and keys move. */
export function Compare({ before, after }: Props): ReactNode {
  const [percent, setPercent] = useState(50);
  const [dragging, setDragging] = useState(false);
  const id = useId();
  const clips = clipsOf(percent);

  const follow = (event: PointerEvent<HTMLElement>): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setPercent(percentAt(event.clientX, left, width));
  };
  const onPointerDown = (event: PointerEvent<HTMLElement>): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragging(true);
    follow(event);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = percentAfterKey(percent, event.key);
    if (next === undefined) return;
    event.preventDefault();
    setPercent(next);
  };

  return (
    <div
      className="compare"
      data-dragging={dragging ? '' : undefined}
      style={{ '--line': `${percent}%` }}
      onPointerDown={onPointerDown}
      onPointerMove={(event) => dragging && follow(event)}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
    >
      <div className="compare-layer compare-before" style={{ clipPath: clips.before }}>
        {before}
      </div>
      <div className="compare-layer compare-after" style={{ clipPath: clips.after }}>
        {after}
      </div>
      <span className="compare-label compare-label-before" aria-hidden="true" hidden={percent < 12}>
        {text.result.before}
      </span>
      <span className="compare-label compare-label-after" aria-hidden="true" hidden={percent > 88}>
        {text.result.after}
      </span>
      <div className="compare-line" aria-hidden="true" />
      <div
        id={id}
        className="compare-handle"
        role="slider"
        tabIndex={0}
        aria-label={text.result.compare}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={text.result.compareValue(percent)}
        onKeyDown={onKeyDown}
      >
        <HandleIcon />
      </div>
    </div>
  );
}
