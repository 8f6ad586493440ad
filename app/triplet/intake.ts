/** Where dropped and pasted files go. */
import type { Session } from '../state/session';
import { emptySlots } from '../state/store';
import { SLOTS, type Slot } from '../state/types';
import { text } from '../i18n';

/** The picture files of a drop or a paste; other kinds are kept so that the zone can say so. */
export function filesOf(data: DataTransfer | null): readonly File[] {
  return data ? [...data.files] : [];
}

/**
 * Which slots `count` files go to: the one they were put on first, then the empty ones in order,
 * then the others.
 */
export function targets(first: Slot, count: number, empty: readonly Slot[]): readonly Slot[] {
  const order = [first, ...empty, ...SLOTS];
  return [...new Set(order)].slice(0, count);
}

export function placeFiles(session: Session, first: Slot, files: readonly File[]): void {
  const slots = targets(first, files.length, emptySlots(session.store.getState().asked));
  slots.forEach((slot, index) => {
    const file = files[index];
    if (file) void session.place(slot, file, file.name);
  });
}

function focusedSlot(): Slot | undefined {
  const zone = document.activeElement?.closest<HTMLElement>('[data-zone]')?.dataset['zone'];
  return SLOTS.find((slot) => slot === zone);
}

/** Without it the browser would leave the page to show a file dropped beside a zone. */
function onDragOver(event: DragEvent): void {
  event.preventDefault();
}

/** Paste and drop anywhere on the page. Returns a function that stops. */
export function listenForFiles(session: Session): () => void {
  const slotFor = (): Slot => focusedSlot() ?? emptySlots(session.store.getState().asked)[0] ?? 'b';
  const onPaste = (event: ClipboardEvent): void => {
    const files = filesOf(event.clipboardData).map((file) =>
      // Browsers call every pasted picture "image.png".
      file.name === 'image.png' ? new File([file], `${text.zone.pasted}.png`, { type: file.type }) : file,
    );
    if (files.length === 0) return;
    event.preventDefault();
    placeFiles(session, slotFor(), files);
  };
  const onDrop = (event: DragEvent): void => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    placeFiles(session, emptySlots(session.store.getState().asked)[0] ?? 'b', filesOf(event.dataTransfer));
  };
  window.addEventListener('paste', onPaste);
  window.addEventListener('dragover', onDragOver);
  window.addEventListener('drop', onDrop);
  return () => {
    window.removeEventListener('paste', onPaste);
    window.removeEventListener('dragover', onDragOver);
    window.removeEventListener('drop', onDrop);
  };
}
