/** The store's shape: ids and small values only. Pixels live with their owners (images.ts, pixels.ts). */
import type {
  EngineError,
  LoadPhase,
  PackInfo,
  Progress,
  RunPhase,
  RunReport,
} from '../../workers/engine/protocol';

export type Slot = 'a' | 'a2' | 'b';
export const SLOTS: readonly Slot[] = ['a', 'a2', 'b'];

/** A picture that passed inspection. Its blob is `images.get(id)`. */
export interface Picture {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** Pixels, after EXIF orientation. */
  readonly width: number;
  readonly height: number;
}

/** What the person asks for. */
export interface Asked {
  readonly pictures: Readonly<Record<Slot, Picture | undefined>>;
  /** 0..2 */
  readonly strength: number;
  /** undefined: the pack's default. */
  readonly steps: number | undefined;
  /** Unsigned 32-bit. */
  readonly seed: number;
}

/** What the page shows: the last finished run, until another one finishes. */
export interface Shown {
  /** Grows with every new image in pixels.ts, rerenders included. */
  readonly revision: number;
  /** The pictures the result was made from. */
  readonly pictures: Readonly<Record<Slot, Picture>>;
  readonly width: number;
  readonly height: number;
  /** False while a smaller copy is shown during a strength drag. */
  readonly full: boolean;
  readonly report: RunReport;
  readonly pack: PackInfo;
}

/** Of a step; the pixels are in pixels.ts. */
export type Preview = Omit<Extract<Progress, { kind: 'preview' }>, 'kind' | 'image'>;

export type Activity =
  | { readonly kind: 'idle' }
  | { readonly kind: 'loading'; readonly phase: LoadPhase; readonly done: number; readonly total: number }
  | { readonly kind: 'running'; readonly phase: RunPhase; readonly done: number; readonly total: number };

/** Where on the page an error is shown. */
export type Place = Slot | 'result' | 'engine';

export type Note = Pick<EngineError, 'message' | 'remedy'> & Partial<Pick<EngineError, 'code' | 'cause'>>;

export interface State {
  readonly asked: Asked;
  readonly shown: Shown | undefined;
  readonly activity: Activity;
  /** True from Generate until the run has ended, however it ends. */
  readonly busy: boolean;
  /** True while the full-size picture is rendered for saving or copying; the result stays in view. */
  readonly settling: boolean;
  readonly preview: Preview | undefined;
  /** Slots whose dropped file is being inspected. */
  readonly checking: readonly Slot[];
  readonly notes: Readonly<Partial<Record<Place, Note>>>;
  readonly pack: PackInfo | undefined;
  /** What was just done, for the status line and screen readers. */
  readonly said: string;
  readonly updateReady: boolean;
  /** True when a whole edit works with the server gone. */
  readonly offlineReady: boolean;
  /** True when the last visit ended in the middle of a run. */
  readonly crashed: boolean;
}
