/** Objects against parts: every encoder a point with its intervals, guessing as dashed lines. */
import type { Interval } from "../../../../eval/metrics.ts";
import { percent } from "../words.ts";
import { bottomAxis, type Frame, leftAxis, place, scaleAround } from "./axis.ts";
import { html, type Markup } from "./markup.ts";
import { placeNames } from "./names.ts";

const [WIDTH, HEIGHT] = [520, 400];
const FRAME: Frame = { left: 52, right: WIDTH - 16, top: 30, bottom: HEIGHT - 50 };
const MARKS = 6;

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
  const scaleOf = (axis: "x" | "y", range: [number, number]) => {
    const shares = [axes[axis].floor, ...points.flatMap((point) => [point[axis].low, point[axis].high])];
    const inPercent = scaleAround(
      shares.map((share) => 100 * share),
      range,
      MARKS,
    );
    return { inPercent, of: (share: number) => place(inPercent(100 * share)) };
  };
  const x = scaleOf("x", [FRAME.left, FRAME.right]);
  const y = scaleOf("y", [FRAME.bottom, FRAME.top]);
  const names = placeNames(
    points.map((point) => ({ name: point.name, x: x.of(point.x.mean), y: y.of(point.y.mean) })),
    FRAME,
  );
  const point = ({ series, x: across, y: up }: ScatterPoint): Markup => {
    const [px, py] = [x.of(across.mean), y.of(up.mean)];
    return html`<g class="${series}">
<path class="error" d="M${x.of(across.low)} ${py}H${x.of(across.high)}M${px} ${y.of(up.low)}V${y.of(up.high)}"/>
<circle cx="${px}" cy="${py}" r="6"/></g>
`;
  };
  const label = ({ name, series }: ScatterPoint, i: number): Markup => {
    const at = names[i]!;
    return html`<text class="name ${series}" x="${place(at.x)}" y="${place(at.y)}" text-anchor="${at.anchor}">${name}</text>`;
  };
  const said = ({ mean }: Interval) => `${percent(mean)} %`;
  const about = points.map(({ name, x, y }) => `${name} ${said(x)} and ${said(y)}`).join(", ");
  return html`<svg class="curve scatter" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${axes.x.label} and ${axes.y.label}: ${about}">
${leftAxis(y.inPercent, FRAME, MARKS)}
${bottomAxis(x.inPercent, FRAME, MARKS)}
<path class="floor" d="M${x.of(axes.x.floor)} ${FRAME.top}V${FRAME.bottom}M${FRAME.left} ${y.of(axes.y.floor)}H${FRAME.right}"/>
<text x="${FRAME.right}" y="${HEIGHT - 6}" text-anchor="end">${axes.x.label} →</text>
<text x="4" y="16">↑ ${axes.y.label}</text>
${points.map(point)}${points.map(label)}</svg>`;
}
