/** The loss over the steps as an SVG: the values pale, their running mean on top. */
import { LossPoints } from "./lossPoints.ts";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 8, right: 10, bottom: 22, left: 38 };
export class LossCurve {
  readonly #svg: SVGSVGElement;
  #losses = new LossPoints();
  #totalSteps = 1;
  #asked = false;

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    new ResizeObserver(() => this.#ask()).observe(svg);
  }

  /** Starts an empty curve. */
  reset(totalSteps: number): void {
    this.#losses = new LossPoints();
    this.#totalSteps = totalSteps;
    this.#ask();
  }

  add(step: number, value: number): void {
    this.#losses.add(step, value);
    this.#ask();
  }

  /** Draws once in the next frame, however often it is asked. */
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { clientWidth: width, clientHeight: height } = this.#svg;
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const { points, first, smooth } = this.#losses;
    const ticks = niceTicks(...range(points.map(({ value }) => value)));
    const [low, high] = [ticks[0]!, ticks.at(-1)!];
    const x = (step: number) => MARGIN.left + (step / this.#totalSteps) * (right - MARGIN.left);
    const y = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - MARGIN.top);
    const path = (of: "value" | "smooth") =>
      points
        .map((point, i) => `${i === 0 ? "M" : "L"}${x(point.step).toFixed(1)} ${y(point[of]).toFixed(1)}`)
        .join("");

    const story =
      first === undefined ? "" : `: ${first.toFixed(3)} at first, ${smooth!.toFixed(3)} on average of late`;
    this.#svg.setAttribute("aria-label", `Loss over the steps${story}`);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      ...ticks.flatMap((tick) => [
        make("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(tick), y2: y(tick) }),
        label(String(tick), { x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }),
      ]),
      label("0", { x: MARGIN.left, y: height - 4, "text-anchor": "middle" }),
      label(`step ${this.#totalSteps}`, { x: right, y: height - 4, "text-anchor": "end" }),
      make("path", { class: "each", d: path("value") }),
      make("path", { class: "mean", d: path("smooth") }),
    );
  }
}

function make(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function label(text: string, attributes: Record<string, string | number>): SVGElement {
  const element = make("text", attributes);
  element.textContent = text;
  return element;
}

/** Least and greatest value. */
const range = (values: readonly number[]): [number, number] =>
  values.length === 0
    ? [0, 1]
    : values.reduce<[number, number]>(
        ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      );

/** Three to six round numbers that enclose [low, high]. */
function niceTicks(low: number, high: number): number[] {
  const rough = Math.max(high - low, 0.1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
  const first = Math.floor(low / unit + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / unit - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * unit).toPrecision(6)));
}
