import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import { type Shape, sizeOf, type Tensor } from "../graph/tensor.ts";
import { normalizeAxes } from "./axes.ts";
import { rearrange } from "./rearrange.ts";

/** A shape seen from one axis: [outer, n, inner]. */
export function aroundAxis(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

/** Copies the places of `whole` from `start` on along an axis into `part`, as many as it has. */
export function takeRange(whole: Tensor, part: Tensor, axis: number, start: number): void {
  const { outer, n, inner } = aroundAxis(whole.shape, axis);
  const run = part.shape[axis]! * inner;
  const box = [
    { n: outer, x: n * inner, y: run },
    { n: run, x: 1, y: 1 },
  ];
  rearrange(whole, part, box, { x: start * inner, y: 0 });
}

/** Copies `part` into the places of `whole` from `start` on along an axis. */
export function putRange(part: Tensor, whole: Tensor, axis: number, start: number): void {
  const { outer, n, inner } = aroundAxis(whole.shape, axis);
  const run = part.shape[axis]! * inner;
  const box = [
    { n: outer, x: run, y: n * inner },
    { n: run, x: 1, y: 1 },
  ];
  rearrange(part, whole, box, { x: 0, y: start * inner });
}

const op = defineOp<[Tensor], { axis: number; start: number; end: number }>({
  name: "slice",
  takes: { x: ANY },
  shape: ([x], { axis, start, end }) => x.map((n, i) => (i === axis ? end - start : n)),
  forward({ inputs: [x], params: { axis, start }, output: y }) {
    takeRange(x, y, axis, start);
  },
  backward({ device, params: { axis, start }, into }, dy) {
    const dx = into(0);
    device.clear(dx);
    putRange(dy, dx, axis, start);
    return [dx];
  },
});

/**
 * Places start to end (exclusive) along one axis; negative ones count from its end. x [..., n, ...] ->
 * [..., end - start, ...]. Any dtype. torch.narrow, or x[..., start:end, ...]. Throws if the range is empty or leaves x.
 */
export function slice(
  x: Tensor,
  axis: number,
  start: number,
  end: number = Number.POSITIVE_INFINITY,
): Tensor {
  const [along] = normalizeAxes("slice", x.shape, axis) as [number];
  const n = x.shape[along]!;
  const first = start < 0 ? start + n : start;
  const last = end === Number.POSITIVE_INFINITY ? n : end < 0 ? end + n : end;
  if (![first, last].every(Number.isInteger) || first < 0 || last > n || first >= last) {
    throw new Error(
      `slice: start to end must be a range within axis ${axis} of x [${x.shape}]; got ${start} to ${end}`,
    );
  }
  if (last - first === n) return x;
  return op([x], { axis: along, start: first, end: last });
}
