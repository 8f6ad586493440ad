import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { BenchResult, Part } from '../../workers/bench/results';
import { figures, nameOf } from '../../workers/bench/tables';
import type { EngineError } from '../../workers/engine/protocol';
import { text } from '../i18n';
import { saveFile } from '../ui/save-file';
import { chartsOf, type Chart } from './charts';
import { measure, type Running } from './measure';

/** `?rounds=1` is for tests. */
const ROUNDS = Number(new URLSearchParams(location.search).get('rounds')) || 7;

type State =
  | { readonly kind: 'idle'; readonly error?: EngineError }
  | { readonly kind: 'measuring'; readonly part?: Part }
  | { readonly kind: 'done'; readonly result: BenchResult };

function Bars({ title, bars }: Chart): ReactNode {
  const most = Math.max(...bars.map(({ ms }) => ms));
  return (
    <section className="chart">
      <h2 className="small-title">{title}</h2>
      <dl>
        {bars.map(({ name, ms, ours }) => (
          <div key={name} className={ours ? 'bar bar-ours' : 'bar'}>
            <dt>{name}</dt>
            <dd>
              <span className="bar-length" style={{ '--share': ms / most }} aria-hidden="true" />
              {text.bench.milliseconds(figures(ms))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function save(result: BenchResult): void {
  const file = new Blob([JSON.stringify(result, null, 1)], { type: 'application/json' });
  saveFile(file, 'likewise-benchmark.json');
}

export function Bench(): ReactNode {
  const words = text.bench;
  const [state, setState] = useState<State>({ kind: 'idle' });
  const running = useRef<Running>(undefined);
  useEffect(() => () => running.current?.stop(), []);

  async function start(): Promise<void> {
    setState({ kind: 'measuring' });
    running.current = measure(ROUNDS, (part) => setState({ kind: 'measuring', part }));
    const outcome = await running.current.outcome;
    if (outcome.ok) setState({ kind: 'done', result: outcome.value });
    else setState(outcome.aborted ? { kind: 'idle' } : { kind: 'idle', error: outcome.error });
  }

  return (
    <main className="bench">
      <h1>{words.title}</h1>
      <p>{words.intro}</p>
      <div className="bench-actions">
        {state.kind === 'measuring' ? (
          <button type="button" className="button button-plain" onClick={() => running.current?.stop()}>
            {words.stop}
          </button>
        ) : (
          <button type="button" className="button button-primary" onClick={() => void start()}>
            {state.kind === 'done' ? words.again : words.start}
          </button>
        )}
        {state.kind === 'done' && (
          <button type="button" className="button button-plain" onClick={() => save(state.result)}>
            {words.save}
          </button>
        )}
        <a href="./">{words.back}</a>
      </div>
      <p role="status">
        {state.kind === 'measuring' && state.part && words.measuring(state.part)}
        {state.kind === 'done' && nameOf(state.result)}
      </p>
      {state.kind === 'idle' && state.error && (
        <p role="alert" className="alert">
          {state.error.message} {state.error.remedy}
        </p>
      )}
      {state.kind === 'done' && chartsOf(state.result).map((chart) => <Bars key={chart.title} {...chart} />)}
    </main>
  );
}
