import { accumulate, fill } from "./fill.ts";
import { Tensor } from "./tensor.ts";

export interface GradOptions {
  /** The gradient arriving at `loss`; ones when absent, which needs a scalar loss. */
  seed?: Tensor;
  /** Tensors to write the gradients into, one per `wrt`: the views of a flat gradient buffer. */
  into?: readonly Tensor[];
}

/**
 * Gradients of `loss` with respect to `wrt`: reverse mode over the recorded graph, exact for tensors used several
 * times. A tensor the loss does not depend on gets zeros.
 */
export function grad(loss: Tensor, wrt: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  const { seed, into } = options;
  if (!seed && loss.size !== 1) {
    throw new Error(`grad: the loss must be a scalar unless a seed is given; got shape [${loss.shape}]`);
  }
  const order = dependents([loss], new Set(wrt));
  const needed = new Set(order);
  const destinations = new Map(into?.map((target, i) => [wrt[i]!, target]));
  const claimed = new Set<Tensor>(); // whose destination has been handed out
  const gradients = new Map<Tensor, Tensor>([[loss, seed ?? fill(loss.device, loss.shape, 1)]]);

  const visit = (node: Tensor): void => {
    const dy = gradients.get(node);
    if (!dy || !node.origin) return;
    const { inputs } = node.origin;
    const added = new Set<number>(); // inputs for which backward adds what has arrived
    const arriving = node.origin.backward(dy, {
      wants: (i) => needed.has(inputs[i]!),
      into(i) {
        const input = inputs[i]!;
        const target = claimed.has(input) ? undefined : destinations.get(input);
        claimed.add(input);
        return target ?? Tensor.empty(input.device, input.shape);
      },
      arrived(i) {
        const before = gradients.get(inputs[i]!);
        if (before) added.add(i);
        return before ?? null;
      },
      through(seeds) {
        for (const [root, gradient] of seeds) gradients.set(root, gradient);
        const ends = new Set(inputs);
        const inside = dependents(
          [...seeds.keys()],
          new Set(inputs.filter((input) => needed.has(input))),
          ends,
        );
        for (const tensor of inside) needed.add(tensor);
        for (const tensor of inside) if (!ends.has(tensor)) visit(tensor);
        return inputs.flatMap((input) => gradients.get(input) ?? []);
      },
    });
    inputs.forEach((input, i) => {
      const gradient = arriving[i];
      if (!gradient || !needed.has(input)) return;
      const before = added.has(i) ? undefined : gradients.get(input);
      gradients.set(input, join(before, gradient, destinations.get(input)));
    });
  };
  for (const node of order) visit(node);
  return wrt.map((tensor) => settle(tensor, gradients.get(tensor), destinations.get(tensor)));
}

/** Adds a contribution; the destination view, which nobody else reads, is added to in place. */
function join(sum: Tensor | undefined, gradient: Tensor, destination: Tensor | undefined): Tensor {
  if (!sum) return gradient;
  if (sum === destination) return accumulate(sum, gradient);
  return accumulate(sum, gradient, Tensor.empty(sum.device, sum.shape));
}

/** Moves a finished gradient to its destination, or makes zeros where nothing flowed. */
function settle(tensor: Tensor, gradient: Tensor | undefined, destination: Tensor | undefined): Tensor {
  if (!destination) return gradient ?? Tensor.zeros(tensor.device, tensor.shape);
  if (!gradient) tensor.device.clear(destination);
  else if (gradient !== destination) tensor.device.copy(gradient, destination);
  return destination;
}

/**
 * The tensors on a path from `leaves` to one of the `roots`, roots first: reverse topological order, by an explicit
 * stack so that depth is bounded by memory alone. Nothing behind the `ends` is looked at.
 */
function dependents(
  roots: readonly Tensor[],
  leaves: ReadonlySet<Tensor>,
  ends: ReadonlySet<Tensor> = new Set(),
): Tensor[] {
  const depends = new Map<Tensor, boolean>();
  const order: Tensor[] = [];
  const entered = new Set<Tensor>();
  const inputsOf = (tensor: Tensor) => (ends.has(tensor) ? [] : (tensor.origin?.inputs ?? []));
  for (const root of roots) {
    if (entered.has(root)) continue;
    entered.add(root);
    const stack: { tensor: Tensor; next: number }[] = [{ tensor: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const inputs = inputsOf(top.tensor);
      const input = inputs[top.next++];
      if (input) {
        if (!entered.has(input)) {
          entered.add(input);
          stack.push({ tensor: input, next: 0 });
        }
        continue;
      }
      stack.pop();
      const flows = leaves.has(top.tensor) || inputs.some((parent) => depends.get(parent));
      depends.set(top.tensor, flows);
      if (flows) order.push(top.tensor);
    }
  }
  return order.reverse();
}
