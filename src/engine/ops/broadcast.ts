import type { Shape, Tensor } from "../graph/tensor.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/** The shape two shapes broadcast to, as in NumPy: axes are aligned at the end and a length of 1 stretches. */
export function broadcastShape(name: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1)
      throw new Error(`${name}: shapes must broadcast; got [${a}] and [${b}]`);
    return Math.max(m, n);
  });
}

/** Sums x over the axes along which `shape` was stretched: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const missing = x.shape.length - shape.length;
  const axes = x.shape.flatMap((n, i) => (i < missing || (shape[i - missing] === 1 && n > 1) ? [i] : []));
  return axes.length === 0 ? x : reshape(sum(x, axes), shape);
}
