/** The loss over the steps as an SVG: every value pale, their running mean on top. */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 8, right: 10, bottom: 22, left: 38 };
/** Share of the old mean that the next one keeps. */
const SMOOTHING = 0.8;
/** Points drawn at most; beyond, neighbours are averaged. */
const MOST_POINTS = 600;

interface Point {
  step: number;
  value: number;
}

export class LossCurve {
  readonly #svg: SVGSVGElement;
  #points: Point[] = [];
  #smooth: Point[] = [];
  #totalSteps = 1;
  #asked = false;

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    new ResizeObserver(() => this.#ask()).observe(svg);
  }

  /** Starts an empty curve. */
  reset(totalSteps: number): void {
    this.#points = [];
    this.#smooth = [];
    this.#totalSteps = totalSteps;
    this.#ask();
  }

  add(step: number, value: number): void {
    this.#points.push({ step, value });
    const before = this.#smooth.at(-1)?.value ?? value;
    const kept = Math.min(SMOOTHING, 1 - 1 / this.#points.length); // a plain mean at first
    this.#smooth.push({ step, value: kept * before + (1 - kept) * value });
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
    const values = this.#points.map(({ value }) => value);
    const ticks = niceTicks(...range(values));
    const [low, high] = [ticks[0]!, ticks.at(-1)!];
    const x = (step: number) => MARGIN.left + (step / this.#totalSteps) * (right - MARGIN.left);
    const y = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - MARGIN.top);
    const path = (points: readonly Point[]) =>
      thinned(points)
        .map(({ step, value }, i) => `${i === 0 ? "M" : "L"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`)
        .join("");

    const ends = [values[0], this.#smooth.at(-1)?.value].map((value) => value?.toFixed(3));
    const story = values.length > 0 ? `: ${ends[0]} at first, ${ends[1]} on average of late` : "";
    this.#svg.setAttribute("aria-label", `Loss over the steps${story}`);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      ...ticks.flatMap((tick) => [
        make("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(tick), y2: y(tick) }),
        label(String(tick), { x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }),
      ]),
      label("0", { x: MARGIN.left, y: height - 4, "text-anchor": "middle" }),
      label(`step ${this.#totalSteps}`, { x: right, y: height - 4, "text-anchor": "end" }),
      make("path", { class: "each", d: path(this.#points) }),
      make("path", { class: "mean", d: path(this.#smooth) }),
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

/** At most `MOST_POINTS` points: means of as many neighbours as that takes. */
function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size);
    const meanOf = (key: keyof Point) => group.reduce((sum, point) => sum + point[key], 0) / group.length;
    return { step: meanOf("step"), value: meanOf("value") };
  });
}
