import type { Range } from "./range.ts";

/**
 * What an elementwise op computes at one position, as a WGSL function over V, I and U: f32, i32 and u32, or vec4 of
 * them.
 */
export interface Formula {
  /** Unique among formulas; a part of a WGSL name. */
  readonly name: string;
  /** Arguments as WGSL writes them: `x: V`. */
  readonly inputs: readonly string[];
  readonly output: "V" | "I" | "U";
  readonly body: string;
  /** WGSL files that the body calls. */
  readonly shared: readonly string[];
}

/** How formulas call the dtypes. */
export const ALIAS = { f32: "V", i32: "I", u32: "U" } as const;

/* @__NO_SIDE_EFFECTS__ */
export function formula(
  name: string,
  inputs: readonly string[],
  body: string,
  shared: readonly string[] = [],
  output: Formula["output"] = "V",
): Formula {
  return { name, inputs, output, body, shared };
}

/** Axes of the output, outermost first: how many positions, and how far apart neighbours are in a stretched input. */
export type StretchAxes = readonly (readonly [n: number, stride: number])[];

/** An input of an elementwise dispatch: values at the output's positions, or stretched along some of its axes. */
export interface Operand {
  range: Range;
  /** Absent when the input has one value for each of the output; the last stride is 0 or 1. */
  axes?: StretchAxes;
}

/** What an elementwise dispatch does: output[i] = formula(inputs[i]...), its only effect. */
export interface Elementwise {
  formula: Formula;
  /** Values of the output. */
  size: number;
  /** 4 where every input can be read in whole vectors along the output's last axis. */
  lanes: 1 | 4;
  inputs: readonly Operand[];
  output: Range;
}

/** A dispatch that writes one 32-bit pattern everywhere. */
export interface Constant {
  word: number;
  output: Range;
}

/** vec4 where whole vectors cover a run of values, single values otherwise: formulas fit both. */
export const lanesOf = (size: number): 1 | 4 => (size % 4 === 0 ? 4 : 1);

/** An elementwise dispatch whose inputs all have the output's shape. */
export function elementwise(formula: Formula, inputs: readonly Range[], output: Range): Elementwise {
  const size = output.bytes / 4;
  return { formula, size, lanes: lanesOf(size), inputs: inputs.map((range) => ({ range })), output };
}
