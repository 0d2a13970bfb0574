import { record, type Shape, sizeOf, type Tensor } from "../graph/tensor.ts";

/**
 * The same values in another shape; one axis may be -1: what is left. Any dtype. No work on the GPU. torch.reshape. Throws
 * unless the other lengths are positive whole numbers that fit x.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const fixed = shape.filter((n) => n !== -1);
  const target = shape.map((n) => (n === -1 ? x.size / sizeOf(fixed) : n));
  const isShape = shape.length - fixed.length <= 1 && target.every((n) => Number.isInteger(n) && n > 0);
  if (!isShape || sizeOf(target) !== x.size) {
    throw new Error(
      `reshape: [${shape}] must hold the ${x.size} values of x [${x.shape}], one axis at most -1`,
    );
  }
  return record(x.alias(target), {
    name: "reshape",
    inputs: [x],
    backward: (dy) => [dy.alias(x.shape)],
  });
}
