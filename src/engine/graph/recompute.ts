import { record, recordedSoFar } from "./op.ts";
import { Tensor } from "./tensor.ts";

/** A tensor, or a record or array of them. */
type Tensors = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

const listOf = (tensors: Tensors): Tensor[] =>
  tensors instanceof Tensor ? [tensors] : Object.values(tensors);

/**
 * Runs a piece of a network without keeping its intermediate tensors for the gradient: they are computed again from the
 * inputs when it is asked for, by the same kernels, so gradients have the same bits. Memory for time (Chen et al. 2016,
 * arXiv:1604.06174). torch.utils.checkpoint.checkpoint(function, *args, use_reentrant=False).
 *
 * `piece` may use tensors from outside besides `inputs` (parameters) and may hold further pieces. It must record
 * the same ops each time and change nothing in place (running statistics); random ops repeat by their counters. Tensors
 * made inside must leave only as outputs.
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
  const joint = record(inputs[0].alias(inputs[0].shape), {
    name: "recompute",
    inputs: sources,
    backward(_, { through }) {
      const asked = [...arrived].reverse(); // as the outputs were entered on the way to the sources
      arrived.clear();
      device.tidy(() => {
        const again = listOf(piece(...inputs));
        return through(new Map(asked.map(([output, dy]) => [repeated(outputs, output, again), dy])));
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
        return [flow.arrived(0) ?? dy]; // any gradient gives `joint` its turn
      },
    });
  }
  return result;
}

/** What an output has become in the second run. */
function repeated(outputs: readonly Tensor[], output: Tensor, again: readonly Tensor[]): Tensor {
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
