import type { Elementwise, Formula, Operand, StretchAxes } from "./formula.ts";
import type { Storage } from "./memory.ts";
import { overlaps, type Range, sameRange } from "./range.ts";

/** An argument of a formula: what a load or an earlier formula gave, or a constant's bits. */
export type Argument = { load: number } | { value: number } | { word: number };

/** Formulas to be evaluated one after the other at every position, with what they read and write. */
export interface Program {
  /** Values per output. */
  size: number;
  lanes: 1 | 4;
  loads: readonly { binding: number; axes?: StretchAxes }[];
  steps: readonly { formula: Formula; inputs: readonly Argument[] }[];
  /** Which steps' values are written, and to which binding. */
  stores: readonly { step: number; binding: number }[];
  bindings: readonly Range[];
}

/** An elementwise dispatch, some of whose inputs may have become constants. */
export interface Step extends Omit<Elementwise, "inputs"> {
  inputs: readonly (Operand | { word: number })[];
}

export const isRead = (input: Operand | { word: number }): input is Operand => "range" in input;

/** Compile time grows with the number of formulas in a kernel. */
const MOST_STEPS = 32;

/**
 * One dispatch that does the steps in order; null where one cannot: a step would read other positions of what an earlier
 * one wrote, or a buffer would be bound both to be read and to be written, or there are too many. `needed` says whether a
 * storage the steps write must hold its values afterwards; what is not needed is neither stored nor bound.
 */
export function programOf(
  steps: readonly Step[],
  mostBindings: number,
  needed: (storage: Storage) => boolean,
): Program | null {
  if (steps.length > MOST_STEPS) return null;
  const loads: Operand[] = [];
  const writes: { range: Range; step: number }[] = [];
  const calls: Program["steps"][number][] = [];
  for (const [step, { formula, inputs: given, output }] of steps.entries()) {
    const inputs: Argument[] = [];
    for (const input of given) {
      const writer = isRead(input) && writes.find(({ range }) => overlaps(range, input.range));
      if (!isRead(input)) inputs.push(input);
      else if (!writer) inputs.push({ load: findOrPush(loads, input, sameOperand) });
      else if (!input.axes && sameRange(writer.range, input.range)) inputs.push({ value: writer.step });
      else return null;
    }
    calls.push({ formula, inputs });
    const before = writes.find(({ range }) => overlaps(range, output));
    if (!before) writes.push({ range: output, step });
    else if (sameRange(before.range, output)) before.step = step;
    else return null;
  }
  const stored = writes.filter(
    ({ range: { storage } }) => needed(storage) || loads.some(({ range }) => range.storage === storage),
  );
  // WebGPU lets a buffer that is written be read only through the same binding.
  const clash = loads.some(({ range, axes }) => {
    const writable = stored.filter((write) => write.range.storage === range.storage);
    return writable.length > 0 && (axes || !writable.some((write) => sameRange(write.range, range)));
  });
  const bindings: Operand[] = stored.map(({ range }) => ({ range }));
  const numbered = loads.map(({ range, axes }) => ({
    binding: findOrPush(bindings, axes ? { range, axes: [] } : { range }, sameOperand),
    ...(axes && { axes }),
  }));
  if (clash || bindings.length > mostBindings) return null;
  return {
    size: steps[0]!.size,
    lanes: steps[0]!.lanes,
    loads: numbered,
    steps: calls,
    stores: stored.map(({ step }, binding) => ({ step, binding })),
    bindings: bindings.map(({ range }) => range),
  };
}

const sameOperand = (a: Operand, b: Operand): boolean =>
  sameRange(a.range, b.range) && `${a.axes?.join(";")}` === `${b.axes?.join(";")}`;

/** The index of an equal item, which is added when there is none. */
function findOrPush<T>(items: T[], item: T, same: (a: T, b: T) => boolean): number {
  const at = items.findIndex((other) => same(other, item));
  return at >= 0 ? at : items.push(item) - 1;
}
