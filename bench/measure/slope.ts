// How fast one quantity grows with another.

/** The exponent p and the factor a of y = a · x^p through positive points: least squares of the logarithms. */
export function powerLaw(points: readonly { x: number; y: number }[]): { exponent: number; factor: number } {
  if (new Set(points.map(({ x }) => x)).size < 2) {
    throw new Error(`powerLaw: needs two different x at least; got ${points.map(({ x }) => x)}`);
  }
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
  const mean = (of: (log: readonly [number, number]) => number) =>
    logs.reduce((sum, log) => sum + of(log), 0) / logs.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const exponent = mean(([x, y]) => (x - meanX) * (y - meanY)) / mean(([x]) => (x - meanX) ** 2);
  return { exponent, factor: Math.exp(meanY - exponent * meanX) };
}
