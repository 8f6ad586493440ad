/** The geometry of the before and after slider. */
import type { Place } from '../../workers/engine/protocol';

/** Where a pointer at `x` puts the line, 0..100, in whole percent. */
export function percentAt(x: number, left: number, width: number): number {
  if (width <= 0) return 50;
  return Math.round(Math.min(1, Math.max(0, (x - left) / width)) * 100);
}

/** What a key does to the line; undefined when the key is not for it. */
export function percentAfterKey(percent: number, key: string, rightToLeft = false): number | undefined {
  const forward = rightToLeft ? -1 : 1;
  const moves = new Map([
    ['ArrowRight', percent + forward * 2],
    ['ArrowLeft', percent - forward * 2],
    ['ArrowUp', percent + 2],
    ['ArrowDown', percent - 2],
    ['PageUp', percent + 20],
    ['PageDown', percent - 20],
    ['Home', 0],
    ['End', 100],
  ]);
  const moved = moves.get(key);
  return moved === undefined ? undefined : Math.min(100, Math.max(0, moved));
}

/** The box of a part of a picture, in CSS. */
export function boxOf({ left, top, width, height }: Place): Record<keyof Place, string> {
  const percent = (share: number): string => `${100 * share}%`;
  return { left: percent(left), top: percent(top), width: percent(width), height: percent(height) };
}

/** What to cut from b, and from b′ beside it: a b′ that one can see through has nothing behind it. */
export function clipsOf(percent: number): { readonly before: string; readonly after: string } {
  return { before: `inset(0 ${100 - percent}% 0 0)`, after: `inset(0 0 0 ${percent}%)` };
}
