/** What a curve of losses needs of a run, however long: a bounded number of points, and a few numbers. */

/** Share of the old running mean that the next one keeps. */
const SMOOTHING = 0.8;
/** Points beyond which neighbours become one. */
const MOST_POINTS = 1200;

/** Some steps in a row, by their means. */
export interface LossPoint {
  step: number;
  /** Loss, and the running mean up to there. */
  value: number;
  smooth: number;
  /** How many steps. */
  steps: number;
}

export class LossPoints {
  /** Of the first step; undefined where there is none. */
  first: number | undefined;
  /** Running mean up to the last step; a plain mean at first. */
  smooth: number | undefined;
  /** Steps in all. */
  count = 0;
  /** In the order of steps, of as many steps each as the others; the last of some of them. */
  points: LossPoint[] = [];
  /** Steps of a point. */
  #steps = 1;

  add(step: number, value: number): void {
    this.count++;
    this.first ??= value;
    const kept = Math.min(SMOOTHING, 1 - 1 / this.count);
    this.smooth = kept * (this.smooth ?? value) + (1 - kept) * value;
    const point = { step, value, smooth: this.smooth, steps: 1 };
    const last = this.points.at(-1);
    if (last && last.steps < this.#steps) this.points.splice(-1, 1, joined(last, point));
    else this.points.push(point);
    if (this.points.length <= MOST_POINTS) return;
    this.points = this.points.flatMap((one, i, all) => {
      if (i % 2 === 1) return [];
      const next = all[i + 1];
      return [next ? joined(one, next) : one];
    });
    this.#steps *= 2;
  }
}

/** Two neighbours as one. */
function joined(one: LossPoint, next: LossPoint): LossPoint {
  const steps = one.steps + next.steps;
  const meanOf = (key: "step" | "value" | "smooth") =>
    (one.steps * one[key] + next.steps * next[key]) / steps;
  return { step: meanOf("step"), value: meanOf("value"), smooth: meanOf("smooth"), steps };
}
