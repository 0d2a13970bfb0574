import { runElementwise } from "../gpu/elementwiseKernel.ts";
import { elementwise, formula } from "../gpu/formula.ts";
import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { broadcastShape } from "./broadcast.ts";
import { expand } from "./expand.ts";

/** Value and gradients for conditions of one kind. Bits are moved, so a and b may have any dtype. */
/* @__NO_SIDE_EFFECTS__ */
function formulasFor(kind: string, holds: string) {
  const of = (part: string, inputs: readonly string[], no: string, yes: string) => {
    const body = `return select(${no}, ${yes}, ${holds});`;
    return formula(`where_${kind}${part}`, ["condition: U", ...inputs], body, [], "U");
  };
  return {
    value: of("", ["a: U", "b: U"], "b", "a"),
    gradients: [of("_da", ["dy: U"], "U(0u)", "dy"), of("_db", ["dy: U"], "dy", "U(0u)")],
  };
}
const integer = formulasFor("integer", "condition != U(0u)");
const float = formulasFor("float", "(condition << U(1u)) != U(0u)"); // -0 does not hold either
const formulasOf = { f32: float, i32: integer, u32: integer };

const op = defineOp<[Tensor, Tensor, Tensor]>({
  name: "where",
  takes: { a: ANY, b: "same", condition: ANY },
  shape: ([a]) => a,
  forward({ device, inputs: [a, b, condition], output: y }) {
    runElementwise(device, elementwise(formulasOf[condition.dtype].value, [condition, a, b], y));
  },
  backward({ device, inputs: [, , condition], wants, into }, dy) {
    const kept = formulasOf[condition.dtype].gradients.map((gradient, i) => {
      if (!wants(i)) return null;
      const dx = into(i);
      runElementwise(device, elementwise(gradient, [condition, dy], dx));
      return dx;
    });
    return [...kept, null];
  },
});

/**
 * a where the condition is not 0, else b; all three broadcast. condition of any dtype, a and b of one dtype. Gradients
 * reach the chosen side only, so a NaN on the other is harmless. torch.where.
 */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShape("where", broadcastShape("where", condition.shape, a.shape), b.shape);
  return op([expand(a, shape), expand(b, shape), expand(condition, shape)], undefined);
}
