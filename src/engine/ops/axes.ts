import type { Shape } from "../graph/tensor.ts";

/** Negative axes count from the end; each must exist. Sorted, without repeats. */
export function normalizeAxes(
  name: string,
  x: Shape,
  axes: number | readonly number[] | undefined,
): number[] {
  const asked = axes === undefined ? x.map((_, i) => i) : typeof axes === "number" ? [axes] : axes;
  const found = asked.map((axis) => (axis < 0 ? axis + x.length : axis));
  if (!found.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < x.length)) {
    throw new Error(`${name}: axes must exist in x [${x}]; got [${asked}]`);
  }
  return [...new Set(found)].sort((p, q) => p - q);
}

/** The shape after reducing `axes`. */
export function reducedShape(x: Shape, axes: readonly number[], keepDims: boolean): Shape {
  if (keepDims) return x.map((n, i) => (axes.includes(i) ? 1 : n));
  return x.filter((_, i) => !axes.includes(i));
}
