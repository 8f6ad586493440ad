import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import { text } from '../i18n';
import type { Slot } from '../state/types';
import { PlaceAlert } from '../ui/Alert';
import { CloseIcon, PlusIcon } from '../ui/icons';
import { useApp, useSession } from '../ui/use-store';
import { filesOf, placeFiles } from './intake';

/** One place for a picture: drop, click, paste, keyboard. */
export function DropZone({ slot }: { readonly slot: Slot }): ReactNode {
  const session = useSession();
  const picture = useApp((state) => state.asked.pictures[slot]);
  const checking = useApp((state) => state.checking.includes(slot));
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const { symbol, title, hint } = text.slots[slot];
  const url = picture && session.parts.images.url(picture.id);

  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    placeFiles(session, slot, filesOf(event.dataTransfer));
  };

  return (
    <section
      className="zone"
      data-zone={slot}
      data-filled={picture ? '' : undefined}
      data-over={over ? '' : undefined}
      aria-busy={checking}
      aria-label={`${symbol}, ${title}`}
      onDragEnter={() => setOver(true)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget instanceof Node ? event.relatedTarget : null))
          setOver(false);
      }}
      onDrop={onDrop}
    >
      <header className="zone-head">
        <span className="symbol" aria-hidden="true">
          {symbol}
        </span>
        <span className="zone-title">{title}</span>
        {picture && <span className="zone-size">{text.zone.size(picture.width, picture.height)}</span>}
      </header>
      <div className="zone-tile">
        {picture && <img src={url} alt="" draggable={false} width={picture.width} height={picture.height} />}
        <button
          type="button"
          className="zone-button"
          aria-label={picture ? text.zone.replace(slot, picture.name) : text.zone.choose(slot)}
          onClick={() => input.current?.click()}
        >
          {!picture && (
            <span className="zone-empty">
              <span className="zone-plus">
                <PlusIcon />
              </span>
              <span className="zone-hint">{hint}</span>
              <span className="zone-how">{over ? text.zone.release : text.zone.drop}</span>
              <span className="zone-how zone-how-touch">{text.zone.tap}</span>
            </span>
          )}
        </button>
        {picture && (
          <button
            type="button"
            className="icon-button zone-remove"
            aria-label={text.zone.remove(slot)}
            onClick={() => session.remove(slot)}
          >
            <CloseIcon />
          </button>
        )}
        {checking && <span className="zone-checking">{text.zone.checking}</span>}
        <input
          ref={input}
          type="file"
          name={slot}
          accept="image/*"
          hidden
          tabIndex={-1}
          aria-label={text.zone.choose(slot)}
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])];
            // The same file chosen again must give a change event again.
            event.currentTarget.value = '';
            placeFiles(session, slot, files);
          }}
        />
      </div>
      <PlaceAlert place={slot} />
    </section>
  );
}
