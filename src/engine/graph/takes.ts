import type { DType, Tensor } from "./tensor.ts";

/** Dtypes that an input may have. */
export type DTypes = readonly DType[];

export const FLOAT: DTypes = ["f32"];
/** Indices, labels, counters: whole numbers. */
export const WHOLE: DTypes = ["u32", "i32"];
export const ANY: DTypes = ["f32", "i32", "u32"];

/**
 * Which dtypes an op's inputs may have, by name and in their order; `"same"` is the dtype of the first input. The last
 * name also speaks for further inputs.
 */
export type Takes = Readonly<Record<string, DTypes | "same">>;

/**
 * Throws one sentence unless every input has a dtype that the op takes. `defineOp` calls it for every op; functions that
 * make their result themselves call it too.
 */
export function checkDTypes(op: string, takes: Takes, inputs: readonly Pick<Tensor, "dtype">[]): void {
  const rules = Object.entries(takes);
  for (const [i, { dtype }] of inputs.entries()) {
    const [input, rule] = rules[Math.min(i, rules.length - 1)]!;
    const allowed = rule === "same" ? [inputs[0]!.dtype] : rule;
    if (allowed.includes(dtype)) continue;
    const like = rule === "same" ? `, like ${rules[0]![0]}` : "";
    throw new Error(
      `${op}: ${input} must be ${allowed.join(" or ")}${like}; got ${dtype}. Use cast(${input}, "${allowed[0]}")`,
    );
  }
}
