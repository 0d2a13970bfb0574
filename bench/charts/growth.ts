// How a step's time grows along several axes, as an SVG of small log-log plots.
import { html, type Markup } from "../../src/cli/study/report/drawing/markup.ts";
import type { Summary } from "../measure/samples.ts";
import { powerLaw } from "../measure/slope.ts";
import { logScale } from "./logScale.ts";

/** One axis: the time of a step at some values of it, everything else fixed. */
export interface Growth {
  name: string;
  points: readonly { value: number; ms: Summary; flops: number }[];
  /** Exponents of the power laws through time and arithmetic. */
  exponent: number;
  flopsExponent: number;
}

const PANEL = { width: 500, height: 330 };
const PLOT = { left: 64, right: PANEL.width - 20, top: 54, bottom: PANEL.height - 44 };
const COLUMNS = 2;
const HEAD = 62;
const STYLE = `text { font: 12px system-ui, sans-serif; fill: #1d2024; } .soft { fill: #5b6168; } .title { font-size: 15px; font-weight: 600; }
.grid { stroke: #e6e7e8; } .axis { stroke: #9aa0a6; fill: none; } .fit { stroke: #1f5fbf; stroke-width: 1.5; }
.work { stroke: #5b6168; stroke-dasharray: 5 4; } .range { stroke: #1f5fbf; } .dot { fill: #1f5fbf; stroke: #ffffff; }`;

/** The panels two in a row: medians with quartiles, the fitted power law, and that of the arithmetic, dashed. */
export function growthChart(title: string, adapter: string, growths: readonly Growth[]): string {
  const width = COLUMNS * PANEL.width;
  const height = HEAD + Math.ceil(growths.length / COLUMNS) * PANEL.height;
  const markup = html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>${STYLE}</style>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text class="title" x="16" y="28">${title}</text><text class="soft" x="16" y="48">${adapter}</text>
${growths.map((growth, i) => {
  const [x, y] = [(i % COLUMNS) * PANEL.width, HEAD + Math.floor(i / COLUMNS) * PANEL.height];
  return html`<g transform="translate(${x} ${y})">${panelMarkup(growth)}</g>\n`;
})}</svg>
`;
  return markup.text;
}

function panelMarkup({ name, points, exponent, flopsExponent }: Growth): Markup {
  const values = points.map(({ value }) => value);
  const times = points.flatMap(({ ms }) => [ms.q1, ms.q3]);
  const { factor } = powerLaw(points.map(({ value, ms }) => ({ x: value, y: ms.median })));
  const middle = Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const fitted = (value: number) => factor * value ** exponent;
  const work = (value: number) => fitted(middle) * (value / middle) ** flopsExponent; // the lines cross in the middle
  const ends = [Math.min(...values), Math.max(...values)] as const;
  const reached = [...times, ...ends.map(fitted), ...ends.map(work)];
  const x = logScale(ends[0] / 1.2, ends[1] * 1.2, PLOT.left, PLOT.right);
  const y = logScale(Math.min(...reached) / 1.3, Math.max(...reached) * 1.3, PLOT.bottom, PLOT.top);
  const line = (kind: string, at: (value: number) => number) =>
    html`<line class="${kind}" x1="${x.at(ends[0])}" x2="${x.at(ends[1])}" y1="${y.at(at(ends[0]))}" y2="${y.at(at(ends[1]))}"/>`;
  return html`<text class="title" x="${PLOT.left}" y="20">${name}: ms grow as ${name}^${exponent.toFixed(2)}</text>
<text class="soft" x="${PLOT.right}" y="40" text-anchor="end">dashed: arithmetic, ${name}^${flopsExponent.toFixed(2)}</text>
<text class="soft" x="${PLOT.left}" y="${PLOT.top - 8}">ms</text>
${y.ticks.map((tick) => html`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text class="soft" x="${PLOT.left - 7}" y="${y.at(tick) + 4}" text-anchor="end">${tick}</text>`)}
${values.map((value) => html`<line class="grid" x1="${x.at(value)}" x2="${x.at(value)}" y1="${PLOT.top}" y2="${PLOT.bottom}"/><text class="soft" x="${x.at(value)}" y="${PLOT.bottom + 17}" text-anchor="middle">${value}</text>`)}
<path class="axis" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}"/>
${line("work", work)}${line("fit", fitted)}
${points.map(({ value, ms }) => html`<line class="range" x1="${x.at(value)}" x2="${x.at(value)}" y1="${y.at(ms.q1)}" y2="${y.at(ms.q3)}"/><circle class="dot" cx="${x.at(value).toFixed(1)}" cy="${y.at(ms.median).toFixed(1)}" r="4.5"/>\n`)}`;
}
