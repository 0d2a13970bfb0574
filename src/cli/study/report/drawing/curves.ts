/** How a number moved through training: every run as a thin line, what they have in common as a bold one. */
import { line } from "d3-shape";
import { bottomAxis, type Frame, leftAxis, scaleAround } from "./axis.ts";
import { html, type Markup } from "./markup.ts";

const [WIDTH, HEIGHT] = [520, 260];
const FRAME: Frame = { left: 52, right: WIDTH - 26, top: 12, bottom: HEIGHT - 40 };
const MARKS = 5;
/** Share of the run over which the bold line is averaged. */
const SMOOTHING = 1 / 25;

export interface CurvePoint {
  /** Updates made, from 1. */
  step: number;
  value: number;
}

/** Runs of one length, each a list of points; where a value is not finite a line has a gap. `what` they show, in words. */
export function curves(runs: readonly (readonly CurvePoint[])[], what: string): Markup {
  const all = runs.flat();
  const x = scaleAround([0, ...all.map(({ step }) => step)], [FRAME.left, FRAME.right], MARKS);
  const y = scaleAround(
    all.map(({ value }) => value),
    [FRAME.bottom, FRAME.top],
    MARKS,
  );
  const path = line<CurvePoint>(
    ({ step }) => x(step),
    ({ value }) => y(value),
  )
    .defined(({ value }) => Number.isFinite(value))
    .digits(1);
  const common = meanRun(runs);
  const smooth = movingAverage(
    common.map(({ value }) => value),
    Math.round(common.length * SMOOTHING),
  );
  const bold = common.map(({ step }, i) => ({ step, value: smooth[i]! }));
  const [first, last] = [common.find(isFinitePoint), common.findLast(isFinitePoint)];
  const title =
    first && last ? `${what} from ${short(first.value)} to ${short(last.value)} in ${last.step} steps` : what;
  return html`<svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
${leftAxis(y, FRAME, MARKS)}${bottomAxis(x, FRAME, MARKS)}
<text x="${FRAME.right}" y="${HEIGHT - 4}" text-anchor="end">step</text>
${runs.map((run) => html`<path class="each" d="${path(run) ?? ""}"/>`)}
<path class="smooth" d="${path(bold) ?? ""}"/>
</svg>`;
}

const isFinitePoint = ({ value }: CurvePoint): boolean => Number.isFinite(value);

/** Four digits: what tells losses apart. */
export const short = (value: number): string => String(Number(value.toPrecision(4)));

/** The mean of the runs at each step that one has. */
function meanRun(runs: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  const byStep = new Map<number, number[]>();
  for (const { step, value } of runs.flat()) byStep.set(step, [...(byStep.get(step) ?? []), value]);
  return [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, values]) => ({
      step,
      value: values.reduce((sum, value) => sum + value, 0) / values.length,
    }));
}

/** Mean of up to `reach` values on each side; as many on both, so that the ends do not lean. */
export function movingAverage(values: readonly number[], reach: number): number[] {
  return values.map((_, i) => {
    const side = Math.min(reach, i, values.length - 1 - i);
    const near = values.slice(i - side, i + side + 1);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}
