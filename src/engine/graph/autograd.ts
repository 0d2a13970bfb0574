import type { Storage } from "../gpu/memory.ts";
import { overlaps, sameRange } from "../gpu/range.ts";
import { accumulate, copyOf, fill } from "./fill.ts";
import { record, Tensor } from "./tensor.ts";

export interface GradOptions {
  /** The gradient arriving at `loss`, f32 of its shape; ones when absent, which needs a scalar loss. */
  seed?: Tensor;
  /** Tensors to write the gradients into, one per `wrt` and of its shape: the parts of a flat gradient buffer. */
  into?: readonly Tensor[];
}

/**
 * Gradients of `loss` with respect to `wrt`: reverse mode over the recorded graph, exact for tensors used several
 * times. A tensor the loss does not depend on gets zeros. Each gradient has memory of its own. There are no gradients of
 * gradients: where one would pass through a result back to `wrt`, `grad` throws.
 */
export function grad(loss: Tensor, wrt: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  const { seed, into } = options;
  checkArguments(loss, wrt, options);
  const order = dependents([loss], new Set(wrt));
  const needed = new Set(order);
  const destinations = new Map<Tensor, Tensor>();
  for (const [i, target] of (into ?? []).entries()) {
    if (!destinations.has(wrt[i]!)) destinations.set(wrt[i]!, target); // one asked for twice is copied at the end
  }
  const claimed = new Set<Tensor>(); // whose destination has been handed out
  const gradients = new Map<Tensor, Tensor>([[loss, seed ?? fill(loss.device, loss.shape, 1)]]);

  const visit = (node: Tensor): void => {
    const dy = gradients.get(node);
    if (!dy || !node.origin) return;
    const { name, inputs } = node.origin;
    if (!inputs.some((input) => needed.has(input))) return;
    /** No dispatch may read and write one buffer: what is read beside the destination must lie in others. */
    const isFree = ({ storage }: Tensor) =>
      dy.storage !== storage && inputs.every((input) => gradients.get(input)?.storage !== storage);
    const added = new Set<number>(); // inputs for which backward adds what has arrived
    const arriving = node.origin.backward(dy, {
      wants: (i) => needed.has(inputs[i]!),
      into(i) {
        const input = inputs[i]!;
        const target = claimed.has(input) ? undefined : destinations.get(input);
        claimed.add(input);
        return target && isFree(target) ? target : Tensor.empty(input.device, input.shape);
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
    if (arriving.length < inputs.length || arriving.slice(inputs.length).some((more) => more)) {
      throw new Error(
        `${name}: backward must return a gradient or null for each of ${inputs.length} inputs; got ${arriving.length}`,
      );
    }
    inputs.forEach((input, i) => {
      const gradient = arriving[i];
      if (gradient) checkGradient(`${name}: backward's gradient of input ${i}`, gradient, input);
      if (!gradient || !needed.has(input)) return;
      const before = added.has(i) ? undefined : gradients.get(input);
      gradients.set(input, join(before, gradient, destinations.get(input)));
    });
  };
  for (const node of order) visit(node);
  if (into) return wrt.map((tensor, i) => settle(tensor, gradients.get(tensor), into[i]!));
  const taken = new Set<Storage>(seed ? [seed.storage] : []);
  return wrt.map((tensor) => {
    const gradient = own(tensor, gradients.get(tensor), taken);
    taken.add(gradient.storage);
    return record(gradient, { name: "grad", inputs: wrt, backward: refuse });
  });
}

function refuse(): never {
  throw new Error("grad: gradients of gradients are not computed. Use stopGradient to end them here");
}

/** Throws one sentence unless the arguments fit each other. */
function checkArguments(loss: Tensor, wrt: readonly Tensor[], { seed, into }: GradOptions): void {
  if (!seed && loss.size !== 1) {
    throw new Error(`grad: the loss must be a scalar unless a seed is given; got shape [${loss.shape}]`);
  }
  const integer = [loss, ...wrt].find(({ dtype }) => dtype !== "f32");
  if (integer) {
    throw new Error(`grad: the loss and what it is differentiated by must be f32; got ${integer.dtype}`);
  }
  if (seed) checkGradient("grad: the seed", seed, loss);
  if (!into) return;
  if (into.length !== wrt.length) {
    throw new Error(`grad: into needs a tensor for each of the ${wrt.length} in wrt; got ${into.length}`);
  }
  for (const [i, target] of into.entries()) {
    checkGradient(`grad: into[${i}]`, target, wrt[i]!);
    const other = into.findIndex((earlier, k) => k < i && overlaps(earlier, target));
    if (other >= 0)
      throw new Error(`grad: into[${i}] must have memory of its own; got that of into[${other}]`);
  }
}

/** Throws one sentence unless `gradient` can be that of `x`. */
function checkGradient(what: string, gradient: Tensor, x: Tensor): void {
  if (gradient.dtype === "f32" && `${gradient.shape}` === `${x.shape}`) return;
  throw new Error(
    `${what} must be f32 [${x.shape}], as the tensor is; got ${gradient.dtype} [${gradient.shape}]`,
  );
}

/** Adds a contribution; the destination view, which nobody else reads, is added to in place. */
function join(sum: Tensor | undefined, gradient: Tensor, destination: Tensor | undefined): Tensor {
  if (!sum) return gradient;
  if (sum === destination && sum.storage !== gradient.storage) return accumulate(sum, gradient);
  return accumulate(sum, gradient, Tensor.empty(sum.device, sum.shape));
}

/** A finished gradient in memory that is not `taken`; zeros where nothing flowed. */
function own({ device, shape }: Tensor, gradient: Tensor | undefined, taken: ReadonlySet<Storage>): Tensor {
  if (!gradient) return Tensor.zeros(device, shape);
  return taken.has(gradient.storage) ? copyOf(gradient) : gradient;
}

/** Moves a finished gradient to its destination, which is cleared where nothing flowed. */
function settle({ device }: Tensor, gradient: Tensor | undefined, destination: Tensor): Tensor {
  if (!gradient) {
    device.clear(destination);
  } else if (!sameRange(gradient, destination)) {
    // Parts of one buffer cannot be copied to each other.
    device.copy(gradient.storage === destination.storage ? copyOf(gradient) : gradient, destination);
  }
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
