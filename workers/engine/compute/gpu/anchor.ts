/** The anchor on the GPU: fields, columns and Gram matrices, and its application. */
import {
  ANCHOR_BLOCKS,
  ANCHOR_COLUMNS,
  ANCHOR_FEATURES,
  FILTER_KINDS,
  LOOKUP_KNOTS,
  MATCH_NUMBERS,
  OUTSIDES,
  POINT_KINDS,
  WARP_COEFFICIENTS,
  type Anchor,
  type FullImage,
  type Cells,
  type Lookup,
  type Screen,
  type Warp,
} from '../compute';
import { cellSpan, isCells } from '../reference/cells';
import { FEATURE_BLURS, FIELDS } from '../reference/fields';
import { filterTaps, isFilters } from '../reference/filters';
import { FIRST_COPY, FIRST_FIELD, weightedFeatures } from '../reference/features';
import { isHue } from '../reference/hue';
import { isLocal, sharesIndices, sigmaOf } from '../reference/local';
import { looksAtFields, LUMAS } from '../reference/lookup';
import { isKernel } from '../reference/kernel';
import { hornerOrder } from '../reference/warp';
import type { Operation } from './operation';

/** As lib/anchor.wgsl numbers its groups; colour (0–9) is always there. */
const GROUPS = [
  { bit: 1, first: 10, last: 21 },
  { bit: 2, first: 22, last: 45 },
  { bit: 4, first: FIRST_FIELD, last: FIRST_COPY - 1 },
  { bit: 8, first: FIRST_COPY, last: ANCHOR_FEATURES - 1 },
] as const;
const ALL_GROUPS = 15;
/** Bits from here on are the kind of a lookup, as lib/anchored.wgsl numbers them. */
const LOOKUP_SHIFT = 4;
const TILES = 6;
/** In the place of an index into `OUTSIDES`. */
const MATCHED = OUTSIDES.length + 1;
const CELLS = OUTSIDES.length + 2;
const CHANNELS = OUTSIDES.length + 3;
const KERNEL = OUTSIDES.length + 4;
/** The kinds of a screen, after those of lookups. */
const SCREEN_BITS = { screen: POINT_KINDS.length + 3, screens: POINT_KINDS.length + 4 } as const;

export interface AnchorUniforms {
  readonly groups: number;
  /** 82 × vec4, of a lookup 256 × vec4, and a vec4 of luma */
  readonly weights: GPUBufferBinding;
}

/** The kernel of a name that an anchor takes. */
export function kernelFor<Name extends 'render' | 'anchor-rows'>(
  name: Name,
  { lookup }: Anchor,
): Name | `${Name} of filters` {
  return lookup !== undefined && isFilters(lookup) ? `${name} of filters` : name;
}

/** Whether an anchor looks at blurs or gradients. */
function readsFields({ weights, lookup, screen }: Anchor): boolean {
  if (screen !== undefined) return screen.gains.subarray(3).some((gain) => gain !== 0);
  if (lookup !== undefined && !isHue(lookup))
    return isLocal(lookup) || isFilters(lookup) || looksAtFields(lookup.kind);
  return weightedFeatures(weights).some((f) => f >= FIRST_FIELD && f < FIRST_COPY);
}

function lookupBits(lookup: Lookup): number {
  if (isHue(lookup)) return POINT_KINDS.length + 5 + FILTER_KINDS.length;
  if (isLocal(lookup)) return POINT_KINDS.length + (sharesIndices(lookup.kind) ? 2 : 1);
  if (isFilters(lookup)) return POINT_KINDS.length + 5 + FILTER_KINDS.indexOf(lookup.kind);
  return POINT_KINDS.indexOf(lookup.kind) + 1;
}

/** Rows of three in the place of weights, and the thresholds in that of a table, as lib/anchored.wgsl reads them. */
function screenRows({ dark, light, lattice, gains }: Screen): number[] {
  return [...dark, ...light, ...lattice, ...gains];
}

export function anchorUniforms(operation: Operation, { weights, lookup, screen }: Anchor): AnchorUniforms {
  const used = weightedFeatures(weights);
  let groups = GROUPS.filter(({ first, last }) => used.some((f) => f >= first && f <= last)).reduce(
    (bits, { bit }) => bits | bit,
    0,
  );
  const padded = new Float32Array((ANCHOR_FEATURES + LOOKUP_KNOTS + 1) * 4);
  const put = (values: Float32Array, from: number): void => {
    for (let i = 0; 3 * i < values.length; i++) padded.set(values.subarray(i * 3, i * 3 + 3), (from + i) * 4);
  };
  put(screen === undefined ? weights : Float32Array.from(screenRows(screen)), 0);
  const table = screen?.thresholds ?? lookup?.table;
  if (table !== undefined) put(table, ANCHOR_FEATURES);
  if (lookup !== undefined && isFilters(lookup)) filterTaps().forEach((taps, k) => padded.set(taps, k * 4));
  const luma = screen?.luma ?? (lookup && !isHue(lookup) ? lookup.luma : undefined);
  padded.set(luma ?? LUMAS[0], (ANCHOR_FEATURES + LOOKUP_KNOTS) * 4);
  if (screen !== undefined) groups = SCREEN_BITS[screen.kind] << LOOKUP_SHIFT;
  else if (lookup !== undefined) groups = (lookupBits(lookup) << LOOKUP_SHIFT) | (isHue(lookup) ? groups : 0);
  return { groups, weights: operation.constant('weights', padded) };
}

/** What a warp is read from: an image's packed pixels, or planes `[3, S, S]`. */
export type Pixels =
  | { readonly image: GPUBuffer; readonly width: number; readonly height: number }
  | { readonly planes: GPUBuffer; readonly width: number; readonly height: number };

/** The means of the cells of an image, `[3, rows, columns]`. */
export function encodeCells(operation: Operation, pixels: Pixels, cells: Cells): GPUBuffer {
  const { width, height } = pixels;
  const [across, down] = [cellSpan(cells, 0, width), cellSpan(cells, 1, height)];
  const means = operation.temporary('means of cells', 3 * across.count * down.count * 4);
  const grid = [across.count, down.count] as const;
  const parameters = operation.parameters(
    [width, height, ...grid],
    [across.first, down.first, ...cells.pitch, ...cells.origin],
  );
  const [kernel, from] =
    'image' in pixels ? (['cells-image', pixels.image] as const) : (['cells', pixels.planes] as const);
  operation.run(kernel, '', [parameters, from, means], grid);
  return means;
}

/**
 * What lib/warp.wgsl binds: 21 × vec4 coefficients, of all or of each channel, or cells, or a kernel, and a vec4 that
 * says what is read outside; and matches,
 * or the means of the cells of the `pixels` that are read, which are made unless they are given.
 */
export function warpBindings(
  operation: Operation,
  warp: Warp | undefined,
  pixels: Pixels,
  means?: GPUBuffer,
): readonly [warp: GPUBufferBinding, matches: GPUBuffer | GPUBufferBinding] {
  const padded = new Float32Array((WARP_COEFFICIENTS + 1) * 4);
  let matches: GPUBuffer | GPUBufferBinding | undefined;
  if (warp !== undefined && isCells(warp)) {
    const [across, down] = [cellSpan(warp, 0, pixels.width), cellSpan(warp, 1, pixels.height)];
    padded.set([...warp.pitch, ...warp.origin, across.first, down.first, across.count, down.count]);
    padded[WARP_COEFFICIENTS * 4 + 3] = CELLS;
    matches = means ?? encodeCells(operation, pixels, warp);
  } else if (warp !== undefined && 'matches' in warp) {
    padded[WARP_COEFFICIENTS * 4 + 3] = MATCHED;
    matches = operation.constant('matches', warp.matches);
  } else if (warp !== undefined && isKernel(warp)) {
    padded.set(warp.kernel);
    padded[WARP_COEFFICIENTS * 4 + 3] = KERNEL;
  } else if (warp !== undefined && 'channels' in warp) {
    for (let k = 0; k < 9; k++) {
      const at = 6 * Math.floor(k / 3) + (k % 3);
      padded.set([warp.channels[at], warp.channels[at + 3]], k * 4);
    }
    padded[WARP_COEFFICIENTS * 4 + 3] = CHANNELS;
  } else if (warp !== undefined) {
    const ordered = hornerOrder(warp.coefficients);
    for (let k = 0; k < WARP_COEFFICIENTS; k++) padded.set(ordered.subarray(k * 2, k * 2 + 2), k * 4);
    padded.set([...warp.colour, OUTSIDES.indexOf(warp.outside) + 1], WARP_COEFFICIENTS * 4);
  }
  // Bound whether it is read or not.
  matches ??= operation.constant('matches', new Float32Array(MATCH_NUMBERS));
  return [operation.constant('warp', padded), matches];
}

/** A layer's pixels as words, and its size; one pixel that is not read where there is none. */
export function layerWords({ layer }: Anchor): {
  readonly words: Uint32Array;
  readonly size: readonly number[];
} {
  if (layer === undefined) return { words: new Uint32Array(1), size: [0, 0] };
  const { data, width, height } = layer;
  return { words: new Uint32Array(data.buffer, data.byteOffset, width * height), size: [width, height] };
}

/** What the warp makes of planar `planes`, into `moved`. */
export function encodeWarp(
  operation: Operation,
  planes: GPUBuffer,
  warp: Warp,
  size: number,
  moved: GPUBuffer,
): void {
  operation.run(
    'warp',
    '',
    [
      operation.parameters([size]),
      ...warpBindings(operation, warp, { planes, width: size, height: size }),
      planes,
      moved,
    ],
    [Math.ceil(size / 64), size],
  );
}

/** What the anchor reads: the planes, moved where it has a warp. */
export function encodeSeen(
  operation: Operation,
  planes: GPUBuffer,
  { warp }: Anchor,
  size: number,
): GPUBuffer {
  if (warp === undefined || isKernel(warp)) return planes;
  const moved = operation.temporary('moved', 3 * size * size * 4);
  encodeWarp(operation, planes, warp, size, moved);
  return moved;
}

/** Blurs of planar `planes` into the first `count` planes of `out`, from σ = 2^`finest` on. */
function encodeBlurs(
  operation: Operation,
  planes: GPUBuffer,
  size: number,
  count: number,
  finest: number,
  out: GPUBuffer,
): void {
  const rows = operation.temporary('blurred rows', count * size * size * 4);
  const grid = [Math.ceil(size / 64), size, count] as const;
  operation.run('blur', '', [operation.parameters([size, 0, finest]), planes, rows], grid);
  operation.run('blur', '', [operation.parameters([size, 1, finest]), rows, out], grid);
}

/** Fields of planar `planes`, `[18, S, S]`, with the first `blurs` of the blurs. */
export function encodeFields(
  operation: Operation,
  planes: GPUBuffer,
  size: number,
  blurs: number,
  fields: GPUBuffer,
): void {
  encodeBlurs(operation, planes, size, 3 * blurs, 0, fields);
  const parameters = operation.parameters([size]);
  operation.run('gradient', '', [parameters, fields], [Math.ceil(size / 64), size]);
}

/** What the anchor's kernels bind as fields, of the prepared image `u`. */
export function encodeRead(operation: Operation, u: GPUBuffer, anchor: Anchor, size: number): GPUBuffer {
  // Any buffer will do for a kernel that reads no fields.
  if (!readsFields(anchor)) return u;
  const planes = encodeSeen(operation, u, anchor, size);
  const { lookup } = anchor;
  if (lookup === undefined || !isLocal(lookup)) {
    const fields = operation.temporary('fields', FIELDS * size * size * 4);
    const finest = lookup !== undefined && !isFilters(lookup);
    encodeFields(operation, planes, size, finest ? 1 : FEATURE_BLURS, fields);
    return fields;
  }
  const around = operation.temporary('surroundings', 3 * size * size * 4);
  encodeBlurs(operation, planes, size, 3, Math.log2(sigmaOf(lookup.kind)), around);
  return around;
}

export function gramLength(): number {
  return ANCHOR_BLOCKS * ANCHOR_BLOCKS * ANCHOR_COLUMNS * ANCHOR_COLUMNS;
}

export function encodeGram(
  operation: Operation,
  a: GPUBuffer,
  a2: GPUBuffer,
  fields: GPUBuffer,
  size: number,
  gram: GPUBuffer,
): void {
  const columns = operation.temporary('columns', ANCHOR_COLUMNS * size * size * 4);
  const across = Math.ceil(size / 64);
  operation.run(
    'anchor-features',
    '',
    [operation.parameters([size, ALL_GROUPS]), a, a2, fields, columns],
    [across, size],
  );
  operation.run(
    'gram',
    '',
    [operation.parameters([size]), columns, gram],
    [TILES, ANCHOR_BLOCKS * ANCHOR_BLOCKS],
  );
}

/** The second pass of `prepare`: rows `[3, height, size]` into `[3, size, size]`. */
export function encodeColumns(
  operation: Operation,
  rows: GPUBuffer,
  height: number,
  size: number,
  out: GPUBuffer,
): void {
  const parameters = operation.parameters([height, size]);
  operation.run('prepare-vertical', '', [parameters, rows, out], [Math.ceil(size / 64), size, 3]);
}

export function encodeAnchor(
  operation: Operation,
  { data, width, height }: FullImage<GPUBuffer>,
  u: GPUBuffer,
  anchor: Anchor,
  size: number,
  out: GPUBuffer,
): void {
  const uniforms = anchorUniforms(operation, anchor);
  const fields = encodeRead(operation, u, anchor, size);
  const rows = operation.temporary('anchored rows', 3 * height * size * 4);
  const layer = layerWords(anchor);
  const parameters = operation.parameters([width, height, size, uniforms.groups, ...layer.size]);
  operation.run(
    kernelFor('anchor-rows', anchor),
    '',
    [
      parameters,
      uniforms.weights,
      ...warpBindings(operation, anchor.warp, { image: data, width, height }),
      operation.constant('layer', layer.words),
      data,
      fields,
      rows,
    ],
    [Math.ceil(size / 64), height],
  );
  encodeColumns(operation, rows, height, size, out);
}
