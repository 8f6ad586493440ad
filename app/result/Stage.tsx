import type { ReactNode } from 'react';
import { text } from '../i18n';
import { emptySlots, isStale, isWorking } from '../state/store';
import { PlaceAlert } from '../ui/Alert';
import { ActionButton } from '../ui/Button';
import { CopyIcon, DownloadIcon } from '../ui/icons';
import { useApp, useSession } from '../ui/use-store';
import { boxOf } from './compare';
import { Compare } from './Compare';
import { PixelCanvas } from './PixelCanvas';
import { pixels } from './pixels';
import { ProgressBar } from './ProgressBar';

/** b′: empty, coming into being, or finished and compared with b. */
export function Stage(): ReactNode {
  const { images } = useSession().parts;
  const shown = useApp((state) => state.shown);
  const asked = useApp((state) => state.asked);
  const busy = useApp((state) => state.busy);
  const working = useApp(isWorking);
  const activity = useApp((state) => state.activity);
  const preview = useApp((state) => state.preview);

  // During a run the stage is about the picture asked for, otherwise about the one shown.
  const picture = busy ? asked.pictures.b : (shown?.pictures.b ?? undefined);
  const size = busy ? picture : shown?.report.size;
  const before = picture && (
    <img
      src={images.url(picture.id)}
      alt={text.result.altBefore}
      draggable={false}
      width={picture.width}
      height={picture.height}
    />
  );
  const stale = shown && !busy && isStale(asked, shown);

  return (
    <section
      className="stage"
      data-result={shown && !busy ? 'ready' : busy ? 'running' : 'empty'}
      aria-labelledby="stage-title"
    >
      <header className="zone-head">
        <span className="symbol symbol-made" aria-hidden="true">
          {text.result.symbol}
        </span>
        <h2 id="stage-title" className="zone-title">
          {text.result.title}
        </h2>
        {size && !busy && <span className="zone-size">{text.zone.size(size.width, size.height)}</span>}
      </header>
      <div className="stage-frame">
        {picture && size ? (
          <div className="stage-fit" style={{ '--aspect': size.width / size.height }}>
            {busy || !shown ? (
              <div className="stage-live">
                {before}
                {preview && (
                  <div className="stage-place" style={boxOf(preview.place)}>
                    <PixelCanvas
                      className="stage-preview"
                      image={pixels.preview}
                      label={text.result.step(preview.step, preview.steps)}
                    />
                  </div>
                )}
              </div>
            ) : (
              <Compare
                before={
                  <div className="stage-place" style={boxOf(shown.report.place)}>
                    {before}
                  </div>
                }
                after={<PixelCanvas result image={pixels.result} label={text.result.alt} />}
              />
            )}
          </div>
        ) : (
          <div className="stage-empty">
            <span className="stage-glyph" aria-hidden="true">
              {text.result.symbol}
            </span>
            <p className="stage-empty-title">{text.result.emptyTitle}</p>
            <p>{emptySlots(asked).length === 0 ? text.result.ready : text.result.empty}</p>
          </div>
        )}
      </div>
      <PlaceAlert place="result" />
      <footer className="stage-foot">
        {working ? (
          <ProgressBar activity={activity} alone={!busy} />
        ) : (
          <>
            <p className="stage-note">{stale && text.result.stale}</p>
            <ActionButton action="copy" icon={<CopyIcon />} />
            <ActionButton action="download" icon={<DownloadIcon />} />
          </>
        )}
      </footer>
    </section>
  );
}
