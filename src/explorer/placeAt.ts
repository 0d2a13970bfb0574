import { boxOf, type Grid, type Place } from "../index.ts";

/** Lays an element over a place of the picture behind it. */
export function placeAt(over: HTMLElement, grid: Grid, place: Omit<Place, "picture">): void {
  const { left, top, width, height } = boxOf(grid, place);
  const percent = (share: number) => `${100 * share}%`;
  Object.assign(over.style, {
    left: percent(left),
    top: percent(top),
    width: percent(width),
    height: percent(height),
  });
}
