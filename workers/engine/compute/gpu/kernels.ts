/** Every kernel: its text, the libraries it includes and what it binds, in binding order. */
import anchoredLibrary from '../../../../shaders/lib/anchored.wgsl?raw';
import filtersLibrary from '../../../../shaders/lib/filters.wgsl?raw';
import noFiltersLibrary from '../../../../shaders/lib/no-filters.wgsl?raw';
import anchorLibrary from '../../../../shaders/lib/anchor.wgsl?raw';
import bilinearLibrary from '../../../../shaders/lib/bilinear.wgsl?raw';
import cellsLibrary from '../../../../shaders/lib/cells.wgsl?raw';
import fieldLibrary from '../../../../shaders/lib/field.wgsl?raw';
import headLibrary from '../../../../shaders/lib/head.wgsl?raw';
import imageLibrary from '../../../../shaders/lib/image.wgsl?raw';
import layerLibrary from '../../../../shaders/lib/layer.wgsl?raw';
import mergeTileLibrary from '../../../../shaders/lib/merge-tile.wgsl?raw';
import planarLibrary from '../../../../shaders/lib/planar.wgsl?raw';
import tentLibrary from '../../../../shaders/lib/tent.wgsl?raw';
import warpLibrary from '../../../../shaders/lib/warp.wgsl?raw';
import anchorFeatures from '../../../../shaders/anchor-features.wgsl?raw';
import anchorRows from '../../../../shaders/anchor-rows.wgsl?raw';
import blur from '../../../../shaders/blur.wgsl?raw';
import cells from '../../../../shaders/cells.wgsl?raw';
import cellsImage from '../../../../shaders/cells-image.wgsl?raw';
import cast from '../../../../shaders/cast.wgsl?raw';
import flowStep from '../../../../shaders/flow-step.wgsl?raw';
import gradient from '../../../../shaders/gradient.wgsl?raw';
import gram from '../../../../shaders/gram.wgsl?raw';
import merge from '../../../../shaders/merge.wgsl?raw';
import mergeElement from '../../../../shaders/merge-element.wgsl?raw';
import packInput from '../../../../shaders/pack-input.wgsl?raw';
import prepareHorizontal from '../../../../shaders/prepare-horizontal.wgsl?raw';
import prepareVertical from '../../../../shaders/prepare-vertical.wgsl?raw';
import preview from '../../../../shaders/preview.wgsl?raw';
import render from '../../../../shaders/render.wgsl?raw';
import route from '../../../../shaders/route.wgsl?raw';
import warp from '../../../../shaders/warp.wgsl?raw';

export type Binding = 'uniform' | 'read' | 'write';

export interface KernelSource {
  readonly code: string;
  readonly bindings: readonly Binding[];
}

function kernel(bindings: readonly Binding[], ...parts: readonly string[]): KernelSource {
  return { code: parts.join('\n'), bindings };
}

const atModelSize: readonly Binding[] = ['uniform', 'read', 'read', 'read', 'read', 'write'];
const anchorLibraries = [bilinearLibrary, anchorLibrary, fieldLibrary] as const;

/** What an anchor is evaluated with, with filters or without: they are long, and a driver compiles what it is given. */
const anchoredWith = (filters: string): readonly string[] => [
  ...anchorLibraries,
  anchoredLibrary,
  filters,
  warpLibrary,
  layerLibrary,
  imageLibrary,
];
const anchorRowsWith = (filters: string): KernelSource =>
  kernel(
    ['uniform', 'uniform', 'uniform', 'read', 'read', 'read', 'read', 'write'],
    ...anchoredWith(filters),
    tentLibrary,
    anchorRows,
  );
const renderWith = (filters: string): KernelSource =>
  kernel(
    ['uniform', 'uniform', 'uniform', 'read', 'read', 'read', 'read', 'read', 'read', 'read', 'write'],
    ...anchoredWith(filters),
    headLibrary,
    render,
  );

export const KERNELS = {
  'prepare-horizontal': kernel(['uniform', 'read', 'write'], tentLibrary, prepareHorizontal),
  'prepare-vertical': kernel(['uniform', 'read', 'write'], tentLibrary, prepareVertical),
  blur: kernel(['uniform', 'read', 'write'], blur),
  gradient: kernel(['uniform', 'write'], gradient),
  'anchor-features': kernel(
    ['uniform', 'read', 'read', 'read', 'write'],
    ...anchorLibraries,
    planarLibrary,
    anchorFeatures,
  ),
  gram: kernel(['uniform', 'read', 'write'], gram),
  'anchor-rows': anchorRowsWith(noFiltersLibrary),
  'anchor-rows of filters': anchorRowsWith(filtersLibrary),
  warp: kernel(
    ['uniform', 'uniform', 'read', 'read', 'write'],
    bilinearLibrary,
    planarLibrary,
    warpLibrary,
    warp,
  ),
  cells: kernel(['uniform', 'read', 'write'], cellsLibrary, cells),
  'cells-image': kernel(['uniform', 'read', 'write'], cellsLibrary, cellsImage),
  'pack-input': kernel(['uniform', 'read', 'read', 'write'], packInput),
  cast: kernel(['uniform', 'read', 'write'], cast),
  route: kernel(['uniform', 'read', 'read', 'read', 'write'], route),
  merge: kernel(['read', 'read', 'read', 'read', 'write'], mergeTileLibrary, merge),
  'merge-element': kernel(['read', 'read', 'read', 'write'], mergeTileLibrary, mergeElement),
  'flow-step': kernel(atModelSize, bilinearLibrary, planarLibrary, headLibrary, flowStep),
  preview: kernel(atModelSize, bilinearLibrary, planarLibrary, headLibrary, preview),
  render: renderWith(noFiltersLibrary),
  'render of filters': renderWith(filtersLibrary),
} as const satisfies Record<string, KernelSource>;

export type KernelName = keyof typeof KERNELS;

/** WGSL's name for a storage type. */
export type Scalar = 'f32' | 'f16';

/** `enable` and the aliases that a kernel's types are left open for, e.g. `{ element: 'f16' }`. */
export function preamble(aliases: Readonly<Record<string, string>>): string {
  const enable = Object.values(aliases).some((type) => type.includes('f16')) ? ['enable f16;'] : [];
  const named = Object.entries(aliases).map(([name, type]) => `alias ${name} = ${type};`);
  return [...enable, ...named, ''].join('\n');
}
