import { expect } from "vitest";

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Fails unless the mean of what was drawn is the expected one, within four standard errors. */
export function expectMean(what: string, values: readonly number[], expected: number): void {
  const found = mean(values);
  const variance = mean(values.map((value) => (value - found) ** 2));
  expect(Math.abs(found - expected), what).toBeLessThanOrEqual(4 * Math.sqrt(variance / values.length));
}
