/** Axes of drawings: D3's scales with round marks, and their grid lines. */
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { html, type Markup } from "./markup.ts";

export type Scale = ScaleLinear<number, number>;

/** Where a drawing's data lie, in its own units. */
export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** From round numbers around the values to a range; a value that is not finite does not count. */
export function scaleAround(
  values: readonly number[],
  range: readonly [number, number],
  marks: number,
): Scale {
  const finite = values.filter(Number.isFinite);
  const [low, high] = finite.length > 0 ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
  const room = low === high ? Math.abs(low) / 2 || 1 : 0; // one value stands in the middle
  return scaleLinear([low - room, high + room], range).nice(marks);
}

/** A coordinate as it is written: a tenth of a unit is less than a pixel. */
export const place = (x: number): number => Number(x.toFixed(1));

/** Marks of the horizontal axis below the frame, with lines up through it. */
export const bottomAxis = (x: Scale, { top, bottom }: Frame, marks: number): Markup =>
  html`${x.ticks(marks).map((mark) => {
    const at = place(x(mark));
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>
<text x="${at}" y="${bottom + 18}" text-anchor="middle">${x.tickFormat(marks)(mark)}</text>`;
  })}`;

/** Marks of the vertical axis left of the frame, with lines across it. */
export const leftAxis = (y: Scale, { left, right }: Frame, marks: number): Markup =>
  html`${y.ticks(marks).map((mark) => {
    const at = place(y(mark));
    return html`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>
<text x="${left - 8}" y="${at + 4}" text-anchor="end">${y.tickFormat(marks)(mark)}</text>`;
  })}`;
