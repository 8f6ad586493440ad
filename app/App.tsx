import type { ReactNode } from 'react';
import { Basis } from './basis/Basis';
import { text } from './i18n';
import { Stage } from './result/Stage';
import { About } from './settings/About';
import { Controls } from './settings/Controls';
import { Keys } from './settings/Keys';
import { ThemeSwitch } from './settings/ThemeSwitch';
import { DropZone } from './triplet/DropZone';
import { Samples } from './triplet/Samples';
import { PlaceAlert } from './ui/Alert';
import { ActionButton } from './ui/Button';
import { BecomesArrow, Mark } from './ui/icons';
import { UpdateBar } from './ui/UpdateBar';
import { useApp } from './ui/use-store';

function Becomes({ made = false }: { readonly made?: boolean }): ReactNode {
  return (
    <div className={made ? 'becomes becomes-made' : 'becomes'} aria-hidden="true">
      <BecomesArrow />
      <span>{text.sentence.becomes}</span>
    </div>
  );
}

function Said(): ReactNode {
  const said = useApp((state) => state.said);
  const crashed = useApp((state) => state.crashed);
  return (
    <p role="status" className="said" key={said}>
      {crashed ? text.said.crashed : said}
    </p>
  );
}

function Offline(): ReactNode {
  const ready = useApp((state) => state.offlineReady);
  return <span data-offline={ready ? 'ready' : undefined}>{ready ? text.footer.offline : ''}</span>;
}

/** The page is the analogy: one row for the example, one for your picture; before left, after right. */
export function App(): ReactNode {
  return (
    <div className="page">
      <header className="masthead">
        <a className="brand" href="./" aria-label={text.name}>
          <Mark />
          <span>{text.name}</span>
        </a>
        <Said />
        <ActionButton action="clear" kind="quiet" />
      </header>
      <main>
        <div className="hero">
          <h1>
            {text.headline.map((part) =>
              typeof part === 'string' ? (
                part
              ) : (
                <i key={part.symbol} className={part.made ? 'made' : undefined}>
                  {part.symbol}
                </i>
              ),
            )}
          </h1>
          <p>{text.tagline}</p>
        </div>
        <PlaceAlert place="engine" />
        <div className="analogy">
          <Samples />
          <div className="cell cell-a">
            <DropZone slot="a" />
          </div>
          <Becomes />
          <div className="cell cell-a2">
            <DropZone slot="a2" />
          </div>
          <div className="cell cell-b">
            <DropZone slot="b" />
            <Controls />
          </div>
          <Becomes made />
          <div className="cell cell-b2">
            <Stage />
            <Basis />
          </div>
        </div>
      </main>
      <footer className="colophon">
        <About />
        <div className="colophon-side">
          <ThemeSwitch />
          <ActionButton action="keys" kind="quiet" />
          <a href="bench.html">{text.footer.bench}</a>
          <a href="samples/CREDITS.md">{text.footer.credits}</a>
          <p>
            <Offline /> {text.footer.privacy}
          </p>
        </div>
      </footer>
      <Keys />
      <UpdateBar />
    </div>
  );
}
