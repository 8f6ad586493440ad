/** The anchor's cells: an image read as the means of a grid's cells (docs/architecture.md, "Cells"). */
import type { Cells, Warp } from '../compute';
import { sampledSource, type Source } from './source';

export function isCells(warp: Warp): warp is Cells {
  return 'pitch' in warp;
}

function cellAt({ pitch, origin }: Cells, axis: 0 | 1, place: number): number {
  return Math.floor((place - origin[axis]) / pitch[axis]);
}

/** The middle of the cell that a place along an axis is in. */
export function middleOfCell(cells: Cells, axis: 0 | 1, place: number): number {
  return (cellAt(cells, axis, place) + 0.5) * cells.pitch[axis] + cells.origin[axis];
}

/** The cells of an axis of `length` pixels: the first one's number, and how many there are. */
export function cellSpan(
  cells: Cells,
  axis: 0 | 1,
  length: number,
): { readonly first: number; readonly count: number } {
  const first = cellAt(cells, axis, 0.5 / length);
  return { first, count: cellAt(cells, axis, (length - 0.5) / length) - first + 1 };
}

/** `source` with every pixel the mean of its cell, as far as one has pixels. */
export function cellSource(source: Source, cells: Cells): Source {
  const { width, height } = source;
  const [across, down] = [cellSpan(cells, 0, width), cellSpan(cells, 1, height)];
  const count = across.count * down.count;
  const sums = new Float64Array(3 * count);
  const pixels = new Uint32Array(count);
  const colour = new Float64Array(3);
  const columnOf = Int32Array.from(
    { length: width },
    (_, x) => cellAt(cells, 0, (x + 0.5) / width) - across.first,
  );
  for (let y = 0; y < height; y++) {
    const row = (cellAt(cells, 1, (y + 0.5) / height) - down.first) * across.count;
    for (let x = 0; x < width; x++) {
      source.pixel(x, y, colour);
      const cell = row + columnOf[x];
      sums[3 * cell] += colour[0];
      sums[3 * cell + 1] += colour[1];
      sums[3 * cell + 2] += colour[2];
      pixels[cell] += 1;
    }
  }
  const inside = (cell: number, { first, count: cellCount }: typeof across): number =>
    Math.min(cellCount - 1, Math.max(0, cell - first));

  return sampledSource(width, height, (u, v, out) => {
    const column = inside(cellAt(cells, 0, u), across);
    const cell = inside(cellAt(cells, 1, v), down) * across.count + column;
    for (let c = 0; c < 3; c++) out[c] = sums[3 * cell + c] / Math.max(1, pixels[cell]);
  });
}
