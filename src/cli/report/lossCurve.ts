import { html, type Markup } from "./markup.ts";

const WIDTH = 520;
const HEIGHT = 260;
const MARGIN = { left: 52, right: 12, top: 12, bottom: 40 };
/** Share of the run over which the bold line is averaged. */
const SMOOTHING = 1 / 25;

export interface CurvePoint {
  /** Updates made, from 1. */
  step: number;
  loss: number;
}

/** The loss over the steps: the points as a thin line, a moving average as a bold one. */
export function lossCurve(points: readonly CurvePoint[]): Markup {
  const steps = ticks(0, Math.max(1, points.at(-1)?.step ?? 1), 6);
  const losses = points.map(({ loss }) => loss);
  const levels = ticks(Math.min(...losses), Math.max(...losses), 5);
  const [low, high] = [levels[0]!, levels.at(-1)!];
  const last = Math.max(1, points.at(-1)?.step ?? 1);
  const x = (step: number): number => MARGIN.left + (step / last) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (loss: number): number =>
    HEIGHT - MARGIN.bottom - ((loss - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const path = (values: readonly number[]): string =>
    values
      .map((loss, i) => `${i ? "L" : "M"}${x(points[i]!.step).toFixed(1)} ${y(loss).toFixed(1)}`)
      .join("");

  const rows = levels.map(
    (
      level,
    ) => html`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(level)}" y2="${y(level)}"/>
      <text x="${MARGIN.left - 8}" y="${y(level) + 4}" text-anchor="end">${trimmed(level)}</text>`,
  );
  const columns = steps
    .filter((step) => step <= last)
    .map(
      (step) =>
        html`<text x="${x(step)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${trimmed(step)}</text>`,
    );
  const title = `Loss from ${losses[0]?.toFixed(3)} to ${losses.at(-1)?.toFixed(3)} in ${last} steps`;
  return html`<svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
    ${rows}${columns}
    <text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end">step</text>
    <path class="each" d="${path(losses)}"/>
    <path class="smooth" d="${path(movingAverage(losses, Math.round(points.length * SMOOTHING)))}"/>
  </svg>`;
}

/** Mean of up to `reach` values on each side; as many on both, so that the ends do not lean. */
export function movingAverage(values: readonly number[], reach: number): number[] {
  return values.map((_, i) => {
    const side = Math.min(reach, i, values.length - 1 - i);
    const near = values.slice(i - side, i + side + 1);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}

/** About `count` round numbers that enclose low..high: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * ([1, 2, 5].find((factor) => span / (power * factor) <= count) ?? 10);
  const first = Math.floor(low / step);
  const end = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: end - first + 1 }, (_, i) => (first + i) * step);
}

const trimmed = (value: number): string => String(Number(value.toPrecision(6)));
