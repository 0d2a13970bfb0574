import gatherWgsl from "../../shaders/gather.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import scatterAddWgsl from "../../shaders/scatterAdd.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import type { Tensor } from "../graph/tensor.ts";
import { summing } from "./reduce.ts";

const WORKGROUP = 64;
/** Indices one lane of scatter_add_rows looks at between two barriers: one bit of a word each. */
const MOST_BITS = 32;

/* @__NO_SIDE_EFFECTS__ */
const mover = (entry: string, word: string, perValue: boolean) =>
  kernel(entry, [`alias V = ${word};`, gridWgsl, gatherWgsl], { WORKGROUP, PER_VALUE: perValue });
/** Indices up to which what falls to one place is added one after the other. */
const MOST_PLAIN = 128;

/* @__NO_SIDE_EFFECTS__ */
const adder = (entry: string, word: string) => (m: number) => {
  const texts = [`alias V = ${word};`, gridWgsl, summing(scatterAddWgsl, "V")];
  return kernel(entry, texts, { WORKGROUP, LONG: m > MOST_PLAIN });
};

const gatherValues = mover("gather", "u32", true);
const gatherRows = { 1: mover("gather", "u32", false), 4: mover("gather", "vec4u", false) };
const scatterUnique = {
  1: mover("scatter_unique", "u32", false),
  4: mover("scatter_unique", "vec4u", false),
};
const addValues = adder("scatter_add_values", "f32");
const addRows = { 1: adder("scatter_add_rows", "f32"), 4: adder("scatter_add_rows", "vec4f") };

/** How a whole [outer, n, inner] and a choice [outer, m, inner] from it go together. */
export interface Choice {
  outer: number;
  n: number;
  m: number;
  inner: number;
  /** The index has one number for each value, [outer, m, inner], and not one for each row, [outer, m]. */
  perValue?: boolean;
}

const lanesOf = ({ inner, perValue }: Choice): 1 | 4 => (inner % 4 === 0 && !perValue ? 4 : 1);

/** y[o, m, i] = x[o, index, i]. An index outside of [0, n) gives NaN, whatever the dtype's bits then mean. */
export function readIndexed(x: Tensor, index: Tensor, y: Tensor, choice: Choice): void {
  const { outer, n, m, inner, perValue } = choice;
  const lanes = lanesOf(choice);
  const count = (outer * m * inner) / lanes;
  const chosen = perValue ? gatherValues : gatherRows[lanes];
  const work = { bytes: 2 * y.bytes + index.bytes };
  x.device.run(chosen, [words(count, n, m, inner / lanes), x, index, y], Math.ceil(count / WORKGROUP), work);
}

/** y[o, n, i] = Σ x[o, m, i] over the m whose index is n, in rising order: the gradient of `readIndexed`. */
export function addIndexed(x: Tensor, index: Tensor, y: Tensor, choice: Choice): void {
  const { outer, n, m, inner, perValue } = choice;
  const lanes = lanesOf(choice);
  if (perValue) {
    const count = outer * n * inner;
    const sizes = words(count, n, m, inner, 0, 0);
    x.device.run(addValues(m), [sizes, x, index, y], Math.ceil(count / WORKGROUP));
  } else {
    const columns = inner / lanes;
    const blocks = Math.ceil(columns / WORKGROUP);
    const span = Math.min(MOST_BITS, Math.ceil(m / WORKGROUP));
    const sizes = words(outer * n, n, m, columns, blocks, span);
    x.device.run(addRows[lanes](m), [sizes, x, index, y], outer * n * blocks);
  }
}

/**
 * The same for rows whose indices differ within each outer place: every value is written once, none is added. As many
 * indices as places fill all of them, so that y need not be cleared: a third of the pass, and a pass of its own.
 */
export function writeIndexed(x: Tensor, index: Tensor, y: Tensor, choice: Choice): void {
  const { outer, n, m, inner } = choice;
  const lanes = lanesOf(choice);
  const count = (outer * m * inner) / lanes;
  if (m !== n) x.device.clear(y);
  const sizes = words(count, n, m, inner / lanes);
  const work = { bytes: 2 * x.bytes + index.bytes };
  x.device.run(scatterUnique[lanes], [sizes, x, index, y], Math.ceil(count / WORKGROUP), work);
}
