import { expect } from "vitest";

/**
 * Fails on the first value that is not the expected one: the same NaN or infinity (any of the three where `someNonFinite`),
 * or within 1e-5 of the largest finite value.
 */
export function expectValues(
  what: string,
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  someNonFinite = false,
): void {
  expect(found.length, `${what}: length`).toBe(expected.length);
  const finite = Array.from(expected).filter(Number.isFinite);
  const allowed = 1e-5 * Math.max(1e-3, ...finite.map(Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const [value, wanted] = [found[i]!, expected[i]!];
    const isRight = Number.isFinite(wanted)
      ? Math.abs(value - wanted) <= allowed
      : someNonFinite
        ? !Number.isFinite(value)
        : Object.is(value, wanted);
    if (!isRight) {
      expect.fail(`${what}: expected [${Array.from(expected)}], got [${Array.from(found)}], at ${i}`);
    }
  }
}
