import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import type { Shape, Tensor } from "../graph/tensor.ts";
import { normalizeAxes } from "./axes.ts";
import { putRange, takeRange } from "./slice.ts";

type Several = readonly [Tensor, ...Tensor[]];

/** Where each input begins along the axis. */
function startsOf(inputs: Several, axis: number): number[] {
  let next = 0;
  return inputs.map(({ shape }) => {
    const start = next;
    next += shape[axis]!;
    return start;
  });
}

const op = defineOp<Several, number>({
  name: "concat",
  takes: { "the first tensor": ANY, "every other tensor": "same" },
  shape(shapes, axis) {
    const first = shapes[0];
    const fits = (shape: Shape) =>
      shape.length === first.length && shape.every((n, i) => i === axis || n === first[i]);
    if (!shapes.every(fits)) {
      const given = shapes.map((shape) => `[${shape}]`).join(", ");
      throw new Error(`concat: shapes must be equal except along axis ${axis}; got ${given}`);
    }
    return first.map((n, i) => (i === axis ? shapes.reduce((sum, shape) => sum + shape[axis]!, 0) : n));
  },
  forward({ inputs, params: axis, output }) {
    const starts = startsOf(inputs, axis);
    inputs.forEach((x, i) => {
      putRange(x, output, axis, starts[i]!);
    });
  },
  backward({ inputs, params: axis, wants, into }, dy) {
    const starts = startsOf(inputs, axis);
    return inputs.map((_, i) => {
      if (!wants(i)) return null;
      const dx = into(i);
      takeRange(dy, dx, axis, starts[i]!);
      return dx;
    });
  },
});

/**
 * Joins tensors along one axis. xs [..., n_i, ...] -> [..., Σ n_i, ...]. Any one dtype. torch.cat. Throws unless there is
 * at least one, and the shapes are equal elsewhere.
 */
export function concat(xs: readonly Tensor[], axis: number): Tensor {
  const [first, ...rest] = xs;
  if (!first) throw new Error("concat: at least one tensor must be given; got none");
  const [along] = normalizeAxes("concat", first.shape, axis) as [number];
  return rest.length === 0 ? first : op([first, ...rest], along);
}
