// The roofline of an adapter with a dot for each operation (Williams et al. 2009), as an SVG.
import { html, type Markup } from "../../src/cli/study/report/drawing/markup.ts";
import type { Roofline } from "../../src/profile/roofline.ts";
import { placeLabels } from "./labels.ts";
import { logScale } from "./logScale.ts";

/** One operation: what it reaches. */
export interface RooflinePoint {
  name: string;
  gigaflopsPerSecond: number;
  gigabytesPerSecond: number;
  /** In [0, 1], a little above where a cache helps. */
  rooflineShare: number;
}

/** The operations at one size of network, with the rates measured beside them. */
export interface RooflinePanel {
  name: string;
  roofline: Roofline;
  points: readonly RooflinePoint[];
}

const WIDTH = 1060;
const PLOT = { left: 64, right: 640, top: 50, bottom: 52 };
const LEGEND = { left: 682, share: WIDTH - 16, row: 17 };
const HEAD = 62;
const LEAST_HEIGHT = 420;
const STYLE = `text { font: 12px system-ui, sans-serif; fill: #1d2024; } .soft { fill: #5b6168; } .title { font-size: 15px; font-weight: 600; }
.grid { stroke: #e6e7e8; } .axis { stroke: #9aa0a6; fill: none; } .roof { stroke: #a82a1c; stroke-width: 2; fill: none; }
.roofText { fill: #a82a1c; } .dot { fill: #1f5fbf; stroke: #ffffff; } .lead { stroke: #1f5fbf; stroke-width: 0.6; } .number { font-size: 11px; font-weight: 600; }`;

const heightOf = ({ points }: RooflinePanel): number =>
  Math.max(LEAST_HEIGHT, PLOT.top + PLOT.bottom + LEGEND.row * (points.length + 1));

/** One plot a panel, one below the other, with the numbered operations listed at its right. */
export function rooflineChart(title: string, adapter: string, panels: readonly RooflinePanel[]): string {
  const tops = panels.map((_, i) => panels.slice(0, i).reduce((sum, panel) => sum + heightOf(panel), HEAD));
  const height = panels.reduce((sum, panel) => sum + heightOf(panel), HEAD);
  const markup = html`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text class="title" x="16" y="28">${title}</text><text class="soft" x="16" y="48">${adapter}</text>
${panels.map((panel, i) => html`<g transform="translate(0 ${tops[i]!})">${panelMarkup(panel)}</g>\n`)}</svg>
`;
  return markup.text;
}

function panelMarkup(panel: RooflinePanel): Markup {
  const { name, points } = panel;
  const { gigaflopsPerSecond: peak, gigabytesPerSecond: bandwidth } = panel.roofline;
  const ridge = peak / bandwidth;
  const bottom = heightOf(panel) - PLOT.bottom;
  const intensities = points.map((point) => point.gigaflopsPerSecond / point.gigabytesPerSecond);
  const rates = points.map(({ gigaflopsPerSecond }) => gigaflopsPerSecond);
  const [left, right] = [
    Math.min(ridge / 4, ...intensities) / 1.6,
    Math.max(ridge * 4, ...intensities) * 1.6,
  ];
  const x = logScale(left, right, PLOT.left, PLOT.right);
  const y = logScale(Math.min(peak / 100, ...rates) / 2, Math.max(peak, ...rates) * 2.5, bottom, PLOT.top);
  const roofAt = (intensity: number) => y.at(Math.min(peak, bandwidth * intensity));
  const roofLeft = Math.max(left, Math.min(peak / 100, ...rates) / 2 / bandwidth);
  const roof = [roofLeft, ridge, right].map((at) => `${x.at(at).toFixed(1)},${roofAt(at).toFixed(1)}`);
  const dots = points.map((point, i) => ({
    x: x.at(intensities[i]!),
    y: y.at(point.gigaflopsPerSecond),
    text: String(i + 1),
  }));
  const labels = placeLabels(dots, { left: PLOT.left, right: PLOT.right, top: PLOT.top, bottom });
  return html`<text class="title" x="${PLOT.left}" y="20">${name}</text>
${x.ticks.map((tick) => html`<line class="grid" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${PLOT.top}" y2="${bottom}"/><text class="soft" x="${x.at(tick)}" y="${bottom + 17}" text-anchor="middle">${tick}</text>`)}
${y.ticks.map((tick) => html`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text class="soft" x="${PLOT.left - 7}" y="${y.at(tick) + 4}" text-anchor="end">${tick}</text>`)}
<path class="axis" d="M${PLOT.left} ${PLOT.top}V${bottom}H${PLOT.right}"/>
<text class="soft" x="${PLOT.right}" y="${bottom + 36}" text-anchor="end">operations per byte</text>
<text class="soft" x="${PLOT.left}" y="${PLOT.top - 6}">GFLOP/s</text>
<polyline class="roof" points="${roof.join(" ")}"/>
<text class="roofText" x="${PLOT.left + 10}" y="${PLOT.top + 20}">measured: products ${peak.toPrecision(3)} GFLOP/s, copy ${bandwidth.toPrecision(3)} GB/s</text>
${dots.map((dot, i) => {
  const { x: labelX, y: labelY, isFar } = labels[i]!;
  const lead = isFar
    ? html`<line class="lead" x1="${dot.x}" y1="${dot.y}" x2="${labelX}" y2="${labelY}"/>`
    : "";
  return html`${lead}<circle class="dot" cx="${dot.x.toFixed(1)}" cy="${dot.y.toFixed(1)}" r="4"/><text class="number" x="${labelX.toFixed(1)}" y="${(labelY + 4).toFixed(1)}" text-anchor="middle">${dot.text}</text>\n`;
})}
<text class="soft" x="${LEGEND.share}" y="${PLOT.top}" text-anchor="end">of roofline</text>
${points.map(
  (point, i) =>
    html`<text class="number" x="${LEGEND.left}" y="${PLOT.top + LEGEND.row * (i + 1)}" text-anchor="end">${i + 1}</text><text x="${LEGEND.left + 8}" y="${PLOT.top + LEGEND.row * (i + 1)}">${point.name}</text><text x="${LEGEND.share}" y="${PLOT.top + LEGEND.row * (i + 1)}" text-anchor="end">${(100 * point.rooflineShare).toFixed(0)} %</text>\n`,
)}`;
}
