import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import type { Shape, Tensor } from "../graph/tensor.ts";
import { broadcastShape, sumTo } from "./broadcast.ts";
import { stretch } from "./layout.ts";

const op = defineOp<[Tensor], Shape>({
  name: "expand",
  takes: { x: ANY },
  shape([x], shape) {
    if (`${broadcastShape("expand", x, shape)}` !== `${shape}`) {
      throw new Error(`expand: x must stretch to the given shape; got x [${x}] and shape [${shape}]`);
    }
    return shape;
  },
  forward: ({ inputs: [x], output: y }) => stretch(x, y),
  backward: ({ inputs: [x] }, dy) => [sumTo(dy, x.shape)],
});

/**
 * Repeats x along axes of length 1 and missing leading axes, as broadcasting would, in memory of its own.
 * x [.., 1, ..] -> shape. Any dtype. torch.Tensor.expand (which shares memory). The class token of a batch is one.
 */
export const expand = (x: Tensor, shape: Shape): Tensor => (`${x.shape}` === `${shape}` ? x : op([x], shape));
