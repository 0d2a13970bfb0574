import gridWgsl from "../../shaders/grid.wgsl";
import sumWgsl from "../../shaders/sum.wgsl";
import sumRowsWgsl from "../../shaders/sumRows.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import { sizeOf, Tensor } from "../graph/tensor.ts";
import { normalizeAxes, reducedShape } from "./axes.ts";
import { stretch } from "./layout.ts";
import { LONGEST_PLAIN, type Rows, rowKernel, rowReducing, summing } from "./reduce.ts";
import { reshape } from "./reshape.ts";

const WORKGROUP = 64;
const rowsText = summing(sumRowsWgsl);
const rowsKernel = rowKernel("sum_rows", rowsText);
const columnsKernel = kernel("sum_columns", [gridWgsl, sumWgsl], { WORKGROUP });

/** Rows one thread adds up before the partial sums are added in a second pass: fewer where there are many passes. */
const chunkOf = (n: number): number => (n > LONGEST_PLAIN ? 16 : 64);

/** What one workgroup adds up of a long row, before the partial sums are added in the same way. */
const PIECE = { WORKGROUP: 256, LANES: 256, LONG: true };
const PIECE_SPAN = 64 * PIECE.LANES;

/** Sums of long rows x [rows, n] -> y [rows], as a tree: the error stays below 1e-6, and every workgroup has work. */
function sumLongRows(device: Device, x: Tensor, { rows, n }: Rows, y: Tensor): void {
  const pieces = Math.ceil(n / PIECE_SPAN);
  const target = pieces === 1 ? y : Tensor.empty(device, [rows, pieces]);
  const chosen = rowReducing(device, "sum_rows", rowsText, PIECE);
  device.run(chosen, [words(rows, n, PIECE_SPAN, pieces), x, target], rows * pieces);
  if (pieces > 1) sumLongRows(device, target, { rows, n: pieces }, y);
}

/** x [outer, n, inner] -> y [outer, inner]: the order of additions depends on the shape alone. */
export function sumMiddle(
  device: Device,
  x: Tensor,
  outer: number,
  n: number,
  inner: number,
  y: Tensor,
  chunk = chunkOf(n),
): void {
  if (inner === 1) {
    const size = { rows: outer, n };
    if (n > LONGEST_PLAIN) sumLongRows(device, x, size, y);
    else rowsKernel(device, size, [words(outer, n, n, 1), x, y]);
    return;
  }
  const chunks = n > 2 * chunk ? Math.ceil(n / chunk) : 1;
  const target = chunks === 1 ? y : Tensor.empty(device, [outer, chunks, inner]);
  const length = Math.ceil(n / chunks);
  const columns = outer * chunks * inner;
  device.run(
    columnsKernel,
    [words(columns, n, inner, length, chunks), x, target],
    Math.ceil(columns / WORKGROUP),
  );
  if (chunks > 1) sumMiddle(device, target, outer, chunks, inner, y, chunk);
}

const op = defineOp<[Tensor], { outer: number; n: number; inner: number }>({
  name: "sum",
  takes: { x: FLOAT },
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

/**
 * Sum over some axes, all by default. x f32 [...] -> x without them (length 1 with keepDims). The additions form a tree that
 * the shape alone decides: values of one sign are summed within 2e-6 in rows up to 8192, within 1e-6 beyond. torch.sum.
 */
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
