// Axes whose equal steps are equal factors.

/** Maps [low, high] to [from, to], in pixels. */
export interface LogScale {
  at(value: number): number;
  /** Round values within the range. */
  ticks: number[];
}

/** A logarithmic axis; ticks are powers of ten, with 2 and 5 between where the range is short. */
export function logScale(low: number, high: number, from: number, to: number): LogScale {
  if (!(low > 0 && high > low)) {
    throw new Error(`logScale: the range must be positive and rising; got ${low} to ${high}`);
  }
  const factors = high / low > 300 ? [1] : [1, 2, 5];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    factors.map((factor) => Number((factor * 10 ** (first + i)).toPrecision(1))),
  ).flat();
  return {
    at: (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from),
    ticks: ticks.filter((tick) => tick >= low && tick <= high),
  };
}
