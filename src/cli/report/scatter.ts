/** Objects against parts: every encoder a point with its intervals, guessing as dashed lines. */
import type { Interval } from "../../eval/metrics.ts";
import { ticks } from "./lossCurve.ts";
import { html, type Markup } from "./markup.ts";

const WIDTH = 520;
const HEIGHT = 400;
const MARGIN = { left: 52, right: 16, top: 16, bottom: 48 };
/** Between a point and its name, in units of the drawing. */
const GAP = 9;

export interface ScatterPoint {
  name: string;
  /** What the style sheet colours it by. */
  series: string;
  x: Interval;
  y: Interval;
}

export interface ScatterAxes {
  x: { label: string; floor: number };
  y: { label: string; floor: number };
}

/** A drawing of shares in [0, 1], its axes in per cent. */
export function scatter(points: readonly ScatterPoint[], axes: ScatterAxes): Markup {
  const span = (floor: number, intervals: readonly Interval[]) =>
    ticks(
      100 * Math.min(floor, ...intervals.map(({ low }) => low)),
      100 * Math.max(floor, ...intervals.map(({ high }) => high)),
      6,
    );
  const columns = span(
    axes.x.floor,
    points.map(({ x }) => x),
  );
  const rows = span(
    axes.y.floor,
    points.map(({ y }) => y),
  );
  const [left, right, top, bottom] = [MARGIN.left, WIDTH - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const scale = (marks: readonly number[], from: number, to: number) => (share: number) =>
    round(from + ((100 * share - marks[0]!) / (marks.at(-1)! - marks[0]!)) * (to - from));
  const x = scale(columns, left, right);
  const y = scale(rows, bottom, top);
  const middle = (left + right) / 2;
  const point = ({ name, series, x: across, y: up }: ScatterPoint): Markup => {
    const [px, py] = [x(across.mean), y(up.mean)];
    const isRight = px > middle;
    return html`<g class="${series}">
<path class="error" d="M${x(across.low)} ${py}H${x(across.high)}M${px} ${y(up.low)}V${y(up.high)}"/>
<circle cx="${px}" cy="${py}" r="6"/>
<text class="name" x="${isRight ? px - GAP : px + GAP}" y="${py - GAP}" text-anchor="${isRight ? "end" : "start"}">${name}</text></g>
`;
  };
  const about = points.map(({ name, x, y }) => `${name} ${inPercent(x)} and ${inPercent(y)}`).join(", ");
  return html`<svg class="curve scatter" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${axes.x.label} and ${axes.y.label}: ${about}">
${rows.map((row) => html`<line class="grid" x1="${left}" x2="${right}" y1="${y(row / 100)}" y2="${y(row / 100)}"/><text x="${left - 8}" y="${y(row / 100) + 4}" text-anchor="end">${row}</text>`)}
${columns.map((column) => html`<line class="grid" x1="${x(column / 100)}" x2="${x(column / 100)}" y1="${top}" y2="${bottom}"/><text x="${x(column / 100)}" y="${bottom + 18}" text-anchor="middle">${column}</text>`)}
<path class="floor" d="M${x(axes.x.floor)} ${top}V${bottom}M${left} ${y(axes.y.floor)}H${right}"/>
<text x="${right}" y="${HEIGHT - 8}" text-anchor="end">${axes.x.label} →</text>
<text x="${left + 6}" y="${top + 14}">↑ ${axes.y.label}</text>
${points.map(point)}</svg>`;
}

const round = (value: number): number => Number(value.toFixed(1));
const inPercent = ({ mean }: Interval): string => `${(100 * mean).toFixed(1)} %`;
