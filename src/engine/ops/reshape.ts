import { record, type Shape, sizeOf, type Tensor } from "../graph/tensor.ts";

/** The same values in another shape; one axis may be -1. No work on the GPU. torch.reshape. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = sizeOf(shape.filter((n) => n !== -1));
  const target = shape.map((n) => (n === -1 ? x.size / known : n));
  if (sizeOf(target) !== x.size || !target.every(Number.isInteger)) {
    throw new Error(`reshape: [${shape}] must hold the ${x.size} values of x [${x.shape}]`);
  }
  return record(x.alias(target), {
    name: "reshape",
    inputs: [x],
    backward: (dy) => [dy.alias(x.shape)],
  });
}
