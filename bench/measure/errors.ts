// How far a result is from its float64 reference.

/** ‖actual - expected‖ / ‖expected‖; ‖actual‖ where nothing is expected. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [off, all] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    off += (actual[i]! - expected[i]!) ** 2;
    all += expected[i]! ** 2;
  }
  return Math.sqrt(all === 0 ? off : off / all);
}

/** The same over arrays by name: of all values as one vector, and of the worst array. Both must have every name. */
export function relativeErrors(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): { total: number; worst: { name: string; error: number } } {
  let [off, all] = [0, 0];
  let worst = { name: "", error: 0 };
  for (const [name, values] of expected) {
    const found = actual.get(name);
    if (found?.length !== values.length) {
      throw new Error(
        `relativeErrors: ${name} needs ${values.length} values; got ${found?.length ?? "none"}`,
      );
    }
    const error = relativeError(found, values);
    if (!(error <= worst.error)) worst = { name, error };
    const norm2 = Array.from(values).reduce((sum, value) => sum + value * value, 0);
    all += norm2;
    off += norm2 === 0 ? error ** 2 : error ** 2 * norm2;
  }
  return { total: Math.sqrt(off / all), worst };
}
