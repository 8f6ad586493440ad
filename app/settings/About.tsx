import type { ReactNode } from 'react';
import { text } from '../i18n';
import { ActionButton } from '../ui/Button';
import { Disclosure } from '../ui/Disclosure';
import { useApp } from '../ui/use-store';

/** Which part of this machine computes, and with which model. */
export function About(): ReactNode {
  const pack = useApp((state) => state.pack);
  const report = useApp((state) => state.shown?.report);
  const words = text.about;
  const milliseconds = report && Object.values(report.timings).reduce((sum, time) => sum + time, 0);
  const rows: readonly (readonly [string, string])[] = pack
    ? [
        [words.backend, words.backends[pack.backend]],
        [words.adapter, pack.adapter],
        [words.precision, pack.precision],
        [words.model, `${pack.name} ${pack.version}`],
        [words.size, `${(pack.bytes / 1e6).toFixed(1)} MB`],
        [words.licence, pack.licence],
        ...(milliseconds === undefined
          ? []
          : [[words.lastRun, text.result.seconds((milliseconds / 1000).toFixed(1))] as const]),
      ]
    : [[words.backend, words.unknown]];
  return (
    <Disclosure label={words.title} className="about">
      <dl className="facts">
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="field-hint">{words.privacy}</p>
      <ActionButton action="diagnostics" />
    </Disclosure>
  );
}
