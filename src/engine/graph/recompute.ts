import { leavesOf } from "../gpu/leaves.ts";
import { record, recordedSoFar, Tensor, type Tensors } from "./tensor.ts";

const listOf = (tensors: Tensors): Tensor[] =>
  leavesOf("recompute", tensors).filter((leaf) => leaf instanceof Tensor);

let repeating = 0;

/** Whether a piece runs again: what an op changed in place the first time must stay as it is. */
export const isRepeating = (): boolean => repeating > 0;

/**
 * Runs a piece of a network without keeping its intermediate tensors for the gradient: they are computed again from the
 * inputs when it is asked for, by the same kernels, so gradients have the same bits. Memory for time (Chen et al. 2016,
 * arXiv:1604.06174). torch.utils.checkpoint.checkpoint(function, *args, use_reentrant=False).
 *
 * `piece` may use tensors from outside besides `inputs` (parameters) and may hold further pieces. It must record
 * the same ops each time and change nothing in place; random ops repeat by their counters, and batch norm moves its
 * running statistics the first time alone. Tensors made inside must leave only as outputs.
 */
export function recompute<In extends readonly [Tensor, ...Tensor[]], Out extends Tensors>(
  piece: (...inputs: In) => Out,
  ...inputs: In
): Out {
  const { device } = inputs[0];
  const start = recordedSoFar();
  const result = device.tidy(() => piece(...inputs));
  const outputs = listOf(result);
  const isInside = ({ origin }: Tensor): boolean => origin !== null && origin.serial >= start;
  const made = new Set(outputs.filter(isInside)); // the others, with no way back into the piece, stay as they are
  const sources = sourcesOf([...made], isInside);
  const arrived = new Map<Tensor, Tensor>();

  /** Stands for all outputs at once: its turn comes when the gradient of each has arrived. */
  const joint = record(inputs[0].alias([], 0, "f32"), {
    name: "recompute",
    inputs: sources,
    backward(_, { through }) {
      const asked = [...arrived].reverse(); // as the outputs were entered on the way to the sources
      arrived.clear();
      device.tidy(() => {
        const again = listOf(repeated(() => piece(...inputs)));
        return through(new Map(asked.map(([output, dy]) => [twinOf(outputs, output, again), dy])));
      });
      return sources.map(() => null); // `through` has added them
    },
  });
  for (const output of made) {
    record(output, {
      name: "recompute",
      inputs: [joint],
      backward(dy, flow) {
        if (!flow.wants(0)) return [null];
        arrived.set(output, dy);
        return [flow.arrived(0) ?? flow.into(0)]; // any gradient gives `joint` its turn
      },
    });
  }
  return result;
}

/** Runs a piece again. */
function repeated<T>(piece: () => T): T {
  repeating++;
  try {
    return piece();
  } finally {
    repeating--;
  }
}

/** What an output has become in the second run. */
function twinOf(outputs: readonly Tensor[], output: Tensor, again: readonly Tensor[]): Tensor {
  const twin = again[outputs.indexOf(output)];
  if (twin && twin !== output && `${twin.shape}` === `${output.shape}`) return twin;
  throw new Error(
    `recompute: the piece must do the same when it runs again; got an output of shape [${output.shape}] and then ` +
      `${twin ? `[${twin.shape}]` : "none"}. Keep counters and other state out of it`,
  );
}

/** The tensors from outside that the outputs come from, in the order in which `grad` meets them. */
function sourcesOf(outputs: readonly Tensor[], isInside: (tensor: Tensor) => boolean): Tensor[] {
  const sources: Tensor[] = [];
  const entered = new Set<Tensor>();
  const stack = [...outputs].reverse();
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    if (entered.has(tensor)) continue;
    entered.add(tensor);
    if (isInside(tensor)) stack.push(...[...tensor.origin!.inputs].reverse());
    else sources.push(tensor);
  }
  return sources;
}
