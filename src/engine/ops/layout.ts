import { runElementwise } from "../gpu/elementwiseKernel.ts";
import { formula, lanesOf, type Operand } from "../gpu/formula.ts";
import { type Shape, sizeOf, type Tensor } from "../graph/tensor.ts";

/** How inputs that broadcast map to an output: their strides along merged axes, and whether whole vectors can be used. */
export function layoutOf(inputs: readonly Tensor[], shape: Shape): { lanes: 1 | 4; inputs: Operand[] } {
  const merged = mergeAxes(inputs, shape);
  const operands = inputs.map((range, input): Operand => {
    if (range.size === sizeOf(shape)) return { range };
    let stride = 1;
    const axes = merged.toReversed().map(({ n, varies }) => {
      const own = varies[input] ? stride : 0;
      if (own) stride *= n;
      return [n, own] as const;
    });
    return { range, axes: range.size === 1 ? [] : axes.reverse() };
  });
  return { lanes: lanesOf(merged.at(-1)?.n ?? 1), inputs: operands };
}

/** Axes of the output, neighbours that all inputs treat alike in one: its length, and which inputs vary along it. */
function mergeAxes(inputs: readonly Tensor[], shape: Shape): { n: number; varies: boolean[] }[] {
  const merged: { n: number; varies: boolean[] }[] = [];
  for (const [i, n] of shape.entries()) {
    if (n === 1) continue;
    const varies = inputs.map((input) => (input.shape[i - shape.length + input.shape.length] ?? 1) > 1);
    const last = merged.at(-1);
    if (last && `${last.varies}` === `${varies}`) last.n *= n;
    else merged.push({ n, varies });
  }
  return merged;
}

const same = formula("same", ["x: U"], "return x;", [], "U");

/** y = x, repeated along axes of length 1 and missing leading axes. Any dtype. */
export function stretch(x: Tensor, y: Tensor): void {
  runElementwise(x.device, { formula: same, size: y.size, ...layoutOf([x], y.shape), output: y });
}
