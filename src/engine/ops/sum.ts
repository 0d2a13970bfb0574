import gridWgsl from "../../shaders/grid.wgsl";
import sumWgsl from "../../shaders/sum.wgsl";
import sumRowsWgsl from "../../shaders/sumRows.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { sizeOf, Tensor } from "../graph/tensor.ts";
import { normalizeAxes, reducedShape } from "./axes.ts";
import { stretch } from "./layout.ts";
import { rowKernel } from "./reduce.ts";
import { reshape } from "./reshape.ts";

const WORKGROUP = 64;
const rowsKernel = rowKernel("sum_rows", sumRowsWgsl);
const columnsKernel = kernel("sum_columns", [gridWgsl, sumWgsl], { WORKGROUP });

/** Rows one thread adds up before the partial sums are added in a second pass. */
const CHUNK = 64;

/** x [outer, n, inner] -> y [outer, inner]: the order of additions depends on the shape alone. */
export function sumMiddle(
  device: Device,
  x: Tensor,
  outer: number,
  n: number,
  inner: number,
  y: Tensor,
): void {
  if (inner === 1) {
    rowsKernel(device, { rows: outer, n }, [words(outer, n), x, y]);
    return;
  }
  const chunks = n > 2 * CHUNK ? Math.ceil(n / CHUNK) : 1;
  const target = chunks === 1 ? y : Tensor.empty(device, [outer, chunks, inner]);
  const length = Math.ceil(n / chunks);
  const columns = outer * chunks * inner;
  device.run(
    columnsKernel,
    [words(columns, n, inner, length, chunks), x, target],
    Math.ceil(columns / WORKGROUP),
  );
  if (chunks > 1) sumMiddle(device, target, outer, chunks, inner, y);
}

const op = defineOp<[Tensor], { outer: number; n: number; inner: number }>({
  name: "sum",
  shape: (_, { outer, inner }) => [outer, inner],
  forward({ device, inputs: [x], params: { outer, n, inner }, output }) {
    sumMiddle(device, x, outer, n, inner, output);
  },
  backward({ params: { outer, n, inner }, into }, dy) {
    const dx = into(0);
    stretch(dy.alias([outer, 1, inner]), dx.alias([outer, n, inner]));
    return [dx];
  },
});

/** Sum over some axes, all by default. x [...] -> x without them (length 1 with keepDims). torch.sum. */
export function sum(x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor {
  const reduced = normalizeAxes("sum", x.shape, axes);
  let y = x;
  const shape = [...x.shape];
  // Runs of neighbouring axes are summed together, last run first so that earlier axis numbers stay valid.
  for (let end = reduced.length; end > 0; ) {
    let start = end - 1;
    while (start > 0 && reduced[start - 1] === reduced[start]! - 1) start--;
    const [first, last] = [reduced[start]!, reduced[end - 1]!];
    const outer = sizeOf(shape.slice(0, first));
    const n = sizeOf(shape.slice(first, last + 1));
    const inner = sizeOf(shape.slice(last + 1));
    y = op([y], { outer, n, inner });
    shape.splice(first, last + 1 - first);
    end = start;
  }
  return reshape(y, reducedShape(x.shape, reduced, keepDims));
}
