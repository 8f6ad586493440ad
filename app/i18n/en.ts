/** Every English word of the page. Another language is a table of the same type. */
import type { Part } from '../../workers/bench/results';
import type { LoadPhase, RunPhase } from '../../workers/engine/protocol';
import type { Slot } from '../state/types';

const runPhases: Record<RunPhase, string> = {
  decoding: 'Opening your pictures',
  preparing: 'Getting them ready',
  anchoring: 'Comparing the example pair',
  encoding: 'Understanding the edit',
  merging: 'Setting up the model for it',
  denoising: 'Drawing',
  rendering: 'Applying it at full size',
};

const loadPhases: Record<LoadPhase, string> = {
  checking: 'Checking this device',
  downloading: 'Downloading the model',
  verifying: 'Verifying the model',
  reading: 'Reading the model',
  compiling: 'Preparing the model',
};

const slots: Record<Slot, { symbol: string; title: string; hint: string }> = {
  a: { symbol: 'a', title: 'Before', hint: 'Any picture' },
  a2: { symbol: 'a′', title: 'After', hint: 'The same picture, edited' },
  b: { symbol: 'b', title: 'Your picture', hint: 'The one to edit likewise' },
};

const samples = {
  warm: 'Warm evening',
  noir: 'Black and white',
  framed: 'Mounted print',
  sketch: 'Pencil sketch',
  halftone: 'Halftone print',
  mosaic: 'Mosaic',
  snowfall: 'Snowfall',
  kaleidoscope: 'Kaleidoscope',
};

/** The page's one sentence; the symbols are set in italics, and a line ends only after the comma. */
const headline: readonly (string | { readonly symbol: string; readonly made?: true })[] = [
  'As\u00a0',
  { symbol: 'a' },
  '\u00a0becomes\u00a0',
  { symbol: 'a′', made: true },
  ', ',
  { symbol: 'b' },
  '\u00a0becomes\u00a0',
  { symbol: 'b′', made: true },
  '.',
];

const benchParts: Record<Part, string> = {
  ceilings: 'What this device can do at most',
  merge: 'The merge, in several ways',
  'large merge': 'The merge of a large model’s layer',
  growth: 'Growth with the basis',
  'side path': 'Merging against the side path',
  step: 'One step of the denoiser',
  anchor: 'The anchor and the full size',
  edit: 'Whole edits',
  'step on WASM': 'One step on the processor',
  'edit on WASM': 'Whole edits on the processor',
};

export const en = {
  name: 'Likewise',
  tagline: 'Show one edit. Apply it to any picture. Nothing leaves this device.',
  headline,
  sentence: { becomes: 'becomes' },
  slots,
  zone: {
    choose: (slot: Slot) => `Choose picture ${slots[slot].symbol}, ${slots[slot].title.toLowerCase()}`,
    replace: (slot: Slot, name: string) =>
      `Replace picture ${slots[slot].symbol}, ${name || slots[slot].title.toLowerCase()}`,
    remove: (slot: Slot) => `Remove picture ${slots[slot].symbol}`,
    drop: 'Drop, paste or choose',
    tap: 'Choose a picture',
    release: 'Release to place it here',
    checking: 'Checking…',
    size: (width: number, height: number) => `${width} × ${height}`,
    pasted: 'Pasted picture',
  },
  samples: { title: 'Try one of these', use: (title: string) => `Try the sample “${title}”`, names: samples },
  result: {
    title: 'Result',
    symbol: 'b′',
    emptyTitle: 'Your picture, edited likewise',
    empty: 'It appears here, at its full size.',
    ready: 'All three pictures are in place. Press Generate.',
    compare: 'Compare before and after',
    compareValue: (percent: number) => `${percent} % before, ${100 - percent} % after`,
    before: 'Before',
    after: 'After',
    alt: 'Your picture after the edit',
    altBefore: 'Your picture before the edit',
    stale: 'This result is from earlier choices. Press Generate to bring it up to date.',
    step: (step: number, steps: number) => `Step ${step} of ${steps}`,
    seconds: (seconds: string) => `${seconds} s`,
  },
  progress: {
    label: 'Progress',
    run: runPhases,
    load: loadPhases,
    count: (done: number, total: number) => `${done} of ${total}`,
    percent: (percent: number) => `${percent} %`,
    megabytes: (done: string, total: string) => `${done} of ${total} MB`,
  },
  basis: {
    title: 'What this edit is made of',
    empty: 'After a run you see here how the model mixed its building blocks to make your edit.',
    lead: (count: number, names: string) =>
      `Mostly ${names}, out of ${count} building blocks the model can mix.`,
    even: (count: number) => `Spread almost evenly over all ${count} building blocks the model can mix.`,
    element: (index: number) => `block ${index}`,
    bars: (count: number) => `Bar chart of ${count} building blocks and their share`,
    expert: 'For experts: every layer',
    expertText: (targets: number, elements: number) =>
      `Coefficients c[l, n] of the LoRA basis: ${targets} targets (rows) by ${elements} elements (columns). The bars above are the mean over targets.`,
    heat: (targets: number, elements: number) =>
      `Heat map of coefficients, ${targets} targets by ${elements} elements`,
    range: (most: string) => `Full colour is ${most}; none is 0. Point at a cell to read it.`,
    strongest: 'Strongest',
    share: 'Mean',
    name: 'Element',
  },
  controls: {
    strength: 'Strength',
    strengthValue: (percent: number) => `${percent} %`,
    strengthHint: '100 % is the edit as shown',
    advanced: 'Advanced',
    steps: 'Steps',
    stepsHint: (steps: number) => `More steps take longer. The model’s own choice is ${steps}.`,
    stepsHintUnknown: 'More steps take longer.',
    seed: 'Seed',
    seedHint: 'Another number gives a slightly different drawing.',
  },
  about: {
    title: 'About this machine',
    backend: 'Computes with',
    backends: { webgpu: 'the graphics card (WebGPU)', wasm: 'the processor (WebAssembly)' },
    adapter: 'Adapter',
    threads: 'Threads',
    model: 'Model',
    size: 'Model size',
    licence: 'Model licence',
    precision: 'Precision',
    lastRun: 'Last run',
    unknown: 'Not started yet',
    privacy: 'Your pictures stay on this device. The page talks to no server once it has loaded.',
  },
  actions: {
    generate: 'Generate',
    cancel: 'Cancel',
    download: 'Download PNG',
    copy: 'Copy picture',
    diagnostics: 'Copy diagnostics',
    clear: 'Start over',
    keys: 'Keyboard shortcuts',
    update: 'Update now',
    close: 'Close',
  },
  theme: { label: 'Appearance', system: 'Like the system', light: 'Light', dark: 'Dark' },
  keys: {
    title: 'Keyboard shortcuts',
    paste: 'Paste into the focused or first empty place',
    compare: 'Move the before and after line, when it has focus',
  },
  update: { ready: 'A new version is ready. Your pictures stay.', later: 'Later' },
  said: {
    recovered: 'Your pictures from last time are back.',
    crashed:
      'The page closed in the middle of an edit last time. Your pictures are back, and nothing was started by itself.',
    done: (seconds: string) => `Done in ${seconds} seconds.`,
    cancelled: 'Cancelled.',
    copied: 'Picture copied.',
    downloaded: (name: string) => `Saved ${name}.`,
    diagnosticsCopied: 'Diagnostics copied.',
    cleared: 'Cleared.',
    placed: (slot: Slot) => `Picture ${slots[slot].symbol} is in place.`,
  },
  notes: {
    missing: (slot: Slot) => ({
      message: `Picture ${slots[slot].symbol} is missing.`,
      remedy: {
        a: 'Add the original of your example.',
        a2: 'Add the edited version of the same picture.',
        b: 'Add the picture you want to edit.',
      }[slot],
    }),
    notImage: { message: 'That is not a picture file.', remedy: 'Use a JPEG, PNG, WebP, AVIF or GIF file.' },
    sample: {
      message: 'The sample could not be fetched.',
      remedy: 'Check the connection, or use a picture of your own.',
    },
    copy: { message: 'The browser did not allow copying.', remedy: 'Use “Download PNG” instead.' },
    save: {
      message: 'Your pictures could not be kept for next time.',
      remedy: 'Free some space or leave private browsing; this page still works.',
    },
    encode: {
      message: 'The picture could not be written as PNG.',
      remedy: 'Close other tabs to free memory and try again.',
    },
    rerender: {
      message: 'The strength could not be changed on this result.',
      remedy: 'Press Generate to make it again.',
    },
  },
  bench: {
    title: 'How fast is this machine?',
    intro:
      'Likewise times its own kernels beside ONNX Runtime’s, on your graphics card. Each way takes its turn, so that whatever else the machine does slows all of them. It takes a minute on a graphics card, and much longer without one. Nothing is sent anywhere.',
    start: 'Measure',
    again: 'Measure again',
    stop: 'Stop',
    parts: benchParts,
    measuring: (part: Part) => `Measuring: ${benchParts[part]}`,
    merge: 'One merge',
    large: 'One merge of a layer 3072 → 18432',
    growth: {
      elements: 'One merge, growing with the number of elements',
      rank: 'One merge, growing with the number of ranks',
      targets: 'One merge, growing with the number of targets',
      steps: 'A run, growing with the number of steps',
      tokens: 'One step, growing with the number of tokens',
    },
    sidePath: (steps: number) => `An edit of ${steps} steps, one block, 512 tokens`,
    merged: (columns: number) => `merged, N·r = ${columns}`,
    side: (columns: number) => `side path, N·r = ${columns}`,
    gram: 'Fitting the anchor: its Gram matrices',
    render: (megapixels: number) => `${megapixels} megapixels at full size, by what the anchor reads`,
    step: (backend: string, precision: string) => `One step, ${backend}, ${precision}`,
    first: (backend: string, precision: string) => `The first edit, ${backend}, ${precision}`,
    edit: (backend: string, precision: string, megapixels: number) =>
      `One edit of ${megapixels} megapixels, ${backend}, ${precision}`,
    milliseconds: (value: string) => `${value} ms`,
    save: 'Save as JSON',
    back: 'Back to Likewise',
    crashed: {
      message: 'The benchmark stopped unexpectedly.',
      remedy: 'Close other tabs to free memory and try again.',
    },
  },
  footer: {
    bench: 'How fast is this machine?',
    credits: 'Sample credits',
    offline: 'Ready to work offline.',
    privacy: 'No account, no upload, no tracking.',
  },
};

export type Text = typeof en;
export type SampleName = keyof typeof samples;
