import gridWgsl from "../../shaders/grid.wgsl";
import rearrangeWgsl from "../../shaders/rearrange.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import type { Shape, Tensor } from "../graph/tensor.ts";

const WORKGROUP = 64;
const MOST_AXES = 6;
/* @__NO_SIDE_EFFECTS__ */
const variant = (word: string) =>
  kernel("rearrange", [`alias V = ${word};`, gridWgsl, rearrangeWgsl], { WORKGROUP });
const kernels = { 1: variant("u32"), 4: variant("vec4u") };

/** One axis of a box of values: its length, and how far apart neighbours are in x and in y, in values. */
export interface BoxAxis {
  n: number;
  x: number;
  y: number;
}

/** Where a box begins in x and in y, in values. */
export interface BoxStart {
  x: number;
  y: number;
}

/**
 * y[start.y + Σ iₖ·yₖ] = x[start.x + Σ iₖ·xₖ] for every position of the box: moves bits of any dtype, writes nothing
 * outside of the box. Axes are outermost first in the order of y; a stride of 0 in x repeats values. Neighbouring axes
 * that form one run are merged; throws if more than six remain.
 */
export function rearrange(
  x: Tensor,
  y: Tensor,
  axes: readonly BoxAxis[],
  start: BoxStart = { x: 0, y: 0 },
): void {
  const merged = mergeAxes(axes);
  if (merged.length > MOST_AXES) {
    throw new Error(
      `rearrange: at most ${MOST_AXES} axes may remain after merging; got ${merged.length}. Move fewer axes at a time`,
    );
  }
  const lanes = lanesOf(merged, start);
  const rows = merged.map(({ n, x, y }, i) =>
    i === merged.length - 1 ? [n / lanes, x, y, 0] : [n, x / lanes, y / lanes, 0],
  );
  const count = rows.reduce((size, [n]) => size * n!, 1);
  while (rows.length < MOST_AXES) rows.push([1, 0, 0, 0]);
  const box = words(...rows.flat(), merged.length, count, start.x / lanes, start.y / lanes);
  x.device.run(kernels[lanes], [box, x, y], Math.ceil(count / WORKGROUP), { bytes: 8 * lanes * count });
}

/** Joins neighbouring axes that are one run in both layouts and drops those of length 1; at least one stays. */
export function mergeAxes(axes: readonly BoxAxis[]): BoxAxis[] {
  const merged: BoxAxis[] = [];
  for (const axis of axes) {
    if (axis.n === 1) continue;
    const outer = merged.at(-1);
    if (outer && outer.x === axis.n * axis.x && outer.y === axis.n * axis.y) {
      merged[merged.length - 1] = { ...axis, n: outer.n * axis.n };
    } else {
      merged.push({ ...axis });
    }
  }
  return merged.length === 0 ? [{ n: 1, x: 1, y: 1 }] : merged;
}

/** Four values at a time where the last axis is contiguous in both and everything starts at whole vectors. */
function lanesOf(axes: readonly BoxAxis[], start: BoxStart): 1 | 4 {
  const last = axes.at(-1)!;
  if (last.x !== 1 || last.y !== 1) return 1;
  const distances = [last.n, start.x, start.y, ...axes.slice(0, -1).flatMap(({ x, y }) => [x, y])];
  return distances.every((distance) => distance % 4 === 0) ? 4 : 1;
}

/** Distance between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}
