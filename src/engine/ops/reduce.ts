import gridWgsl from "../../shaders/grid.wgsl";
import nanWgsl from "../../shaders/nan.wgsl";
import reduceWgsl from "../../shaders/reduce.wgsl";
import reduceMemoryWgsl from "../../shaders/reduceMemory.wgsl";
import reduceSubgroupWgsl from "../../shaders/reduceSubgroup.wgsl";
import runningSumWgsl from "../../shaders/runningSum.wgsl";
import type { Bound } from "../gpu/command.ts";
import type { Device } from "../gpu/device.ts";
import { type Constants, type Kernel, kernel } from "../gpu/kernel.ts";
import { type Shape, sizeOf } from "../graph/tensor.ts";

/** Longest row whose lanes add up their values one after the other; beyond, sums are those of runningSum.wgsl. */
export const LONGEST_PLAIN = 8192;

/**
 * How many lanes share a row of at most `upTo` values. Several rows share a workgroup where they are short: each step of
 * the tree costs a barrier, and on a software adapter 8 lanes for 192 values are five times as fast as 64.
 */
const ROW_LAYOUTS = [
  { upTo: 256, WORKGROUP: 64, LANES: 8 },
  { upTo: 1024, WORKGROUP: 64, LANES: 16 },
  { upTo: LONGEST_PLAIN, WORKGROUP: 64, LANES: 64 },
  { upTo: Number.POSITIVE_INFINITY, WORKGROUP: 256, LANES: 256 },
] as const;

/** 8 columns side by side, so that whole 32-byte sectors of memory are read. */
const COLUMN_LAYOUT = { WORKGROUP: 128, LANES: 16 } as const;
/** Longest column whose lanes have no more values each than those of the longest plain row. */
const LONGEST_PLAIN_COLUMN = (LONGEST_PLAIN / 64) * COLUMN_LAYOUT.LANES;
const FLAT_LAYOUT = { WORKGROUP: 64, LANES: 64 } as const;

/** Where the lanes of a reduction are; how they meet follows from the device. */
interface LaneLayout {
  WORKGROUP: number;
  LANES: number;
}

/** The text of a shader that adds up by runningSum.wgsl, with the type of what it adds. */
/* @__NO_SIDE_EFFECTS__ */
export function summing(shader: string, summand = "f32"): string {
  return [`alias Summand = ${summand};`, runningSumWgsl, shader].join("\n");
}

/** nan.wgsl for one value at a time, or for four. */
export const nanTexts = (lanes: 1 | 4 = 1): readonly string[] => [
  lanes === 1 ? "alias V = f32;\nalias U = u32;" : "alias V = vec4f;\nalias U = vec4u;",
  nanWgsl,
];

/** The text of a shader that looks for NaN by nan.wgsl, one value at a time. */
/* @__NO_SIDE_EFFECTS__ */
export function withNan(shader: string): string {
  return [...nanTexts(), shader].join("\n");
}

/** A kernel whose rows are shared by `row_share`: through registers where the device's subgroups allow it. */
export function rowReducing(
  { capabilities: { subgroupSize } }: Device,
  entry: string,
  shader: string,
  constants: Constants & LaneLayout,
): Kernel {
  if (subgroupSize < 4) return kernel(entry, [gridWgsl, reduceWgsl, reduceMemoryWgsl, shader], constants);
  const texts = [gridWgsl, reduceWgsl, reduceSubgroupWgsl, shader];
  return kernel(entry, texts, { ...constants, SUBGROUP: subgroupSize });
}

const withMemory = (shader: string): string[] => [gridWgsl, reduceWgsl, reduceMemoryWgsl, shader];

/**
 * A kernel that reduces rows of n values by `row_share`; returns the function that runs it. The layout, and with it the
 * order of additions, depends on n alone.
 */
/* @__NO_SIDE_EFFECTS__ */
export function rowKernel(entry: string, shader: string, constants: Constants = {}) {
  return (device: Device, { rows, n }: Rows, bindings: readonly Bound[]): void => {
    const { WORKGROUP, LANES } = ROW_LAYOUTS.find(({ upTo }) => n <= upTo)!;
    const layout = { LONG: n > LONGEST_PLAIN, WORKGROUP, LANES };
    const chosen = rowReducing(device, entry, shader, { ...constants, ...layout });
    device.run(chosen, bindings, Math.ceil((rows * LANES) / WORKGROUP));
  };
}

/** A kernel that reduces columns of n values by `column_share`; returns the function that runs it. */
/* @__NO_SIDE_EFFECTS__ */
export function columnKernel(entry: string, shader: string, constants: Constants = {}) {
  const { WORKGROUP, LANES } = COLUMN_LAYOUT;
  return (device: Device, { columns, n }: Columns, bindings: readonly Bound[]): void => {
    const layout = { LONG: n > LONGEST_PLAIN_COLUMN, WORKGROUP, LANES };
    const chosen = kernel(entry, withMemory(shader), { ...constants, ...layout });
    device.run(chosen, bindings, Math.ceil((columns * LANES) / WORKGROUP));
  };
}

/** A kernel with one thread for each of `count` values; returns the function that runs it. */
/* @__NO_SIDE_EFFECTS__ */
export function flatKernel(entry: string, shader: string, constants: Constants = {}) {
  const only = kernel(entry, withMemory(shader), { ...constants, LONG: false, ...FLAT_LAYOUT });
  return (device: Device, count: number, bindings: readonly Bound[]): void =>
    device.run(only, bindings, Math.ceil(count / FLAT_LAYOUT.WORKGROUP));
}

/** A tensor seen as rows along its last axis. */
export interface Rows {
  rows: number;
  n: number;
}

/** Columns side by side, of n values each. */
export interface Columns {
  columns: number;
  n: number;
}

/** x [..., n] as rows of n values. Throws, in the name of the op, if x is a scalar. */
export function rowsOf(name: string, x: Shape): Rows {
  const n = x.at(-1);
  if (n === undefined) throw new Error(`${name}: x needs at least one axis; got a scalar`);
  return { rows: sizeOf(x) / n, n };
}
