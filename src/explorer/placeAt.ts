// Where places lie, as a page lays elements over them.
import { type Box, boxOf, type Grid, middleOf, type Place } from "../index.ts";

/** A place in whichever picture. */
type Where = Omit<Place, "picture">;

/** Lays an element over a rectangle of the picture behind it. */
export function layOver(over: HTMLElement, { left, top, width, height }: Box): void {
  const percent = (share: number) => `${100 * share}%`;
  Object.assign(over.style, {
    left: percent(left),
    top: percent(top),
    width: percent(width),
    height: percent(height),
  });
}

/** Lays an element over a place of the picture behind it. */
export const placeAt = (over: HTMLElement, grid: Grid, place: Where): void =>
  layOver(over, boxOf(grid, place));

/** The points that are nearer to a place than to others: the place itself where places tile the picture. */
export function cellOf(grid: Grid, { row, column }: Where): Box {
  const middle = (row: number, column: number) => middleOf(grid, { picture: 0, row, column });
  const along = (at: number, count: number, middleAt: (i: number) => number) => {
    const edge = (i: number) => (i === 0 || i === count ? i / count : (middleAt(i - 1) + middleAt(i)) / 2);
    return { from: edge(at), length: edge(at + 1) - edge(at) };
  };
  const across = along(column, grid.columns, (i) => middle(row, i).x);
  const down = along(row, grid.rows, (i) => middle(i, column).y);
  return { left: across.from, top: down.from, width: across.length, height: down.length };
}
