import type { ReactNode } from 'react';
import { text } from '../i18n';
import type { Activity } from '../state/types';
import { overall, segments } from './progress';

const MB = 1e6;

function words(activity: Exclude<Activity, { kind: 'idle' }>): {
  readonly phase: string;
  readonly count: string;
} {
  const { done, total } = activity;
  if (activity.kind === 'running') {
    const count =
      activity.phase === 'denoising'
        ? text.progress.count(done, total)
        : activity.phase === 'rendering' && total > 0
          ? text.progress.percent(Math.round((done / total) * 100))
          : '';
    return { phase: text.progress.run[activity.phase], count };
  }
  const bytes = activity.phase === 'downloading' && total > MB;
  return {
    phase: text.progress.load[activity.phase],
    count: bytes ? text.progress.megabytes((done / MB).toFixed(1), (total / MB).toFixed(1)) : '',
  };
}

interface Props {
  readonly activity: Activity;
  /** The phase is all there is to do. */
  readonly alone: boolean;
}

/** True progress by phase: what the engine has said, nothing more. */
export function ProgressBar({ activity, alone }: Props): ReactNode {
  if (activity.kind === 'idle') return null;
  const list = segments(activity, alone);
  const { phase, count } = words(activity);
  return (
    <div className="progress">
      <div className="progress-words">
        <span>{phase}</span>
        <span className="progress-count">{count}</span>
      </div>
      <div
        className="progress-bar"
        role="progressbar"
        aria-label={text.progress.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={overall(list)}
        aria-valuetext={count ? `${phase}, ${count}` : phase}
      >
        {list.map(({ phase: key, share, filled }) => (
          <span key={key} className="progress-segment" style={{ flexGrow: share, '--filled': filled }} />
        ))}
      </div>
    </div>
  );
}
