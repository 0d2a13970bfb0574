import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { type Shape, sizeOf, Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";

/** What a call must do at least: arithmetic, and bytes read and written if every operand moved once. */
export interface Cost {
  flops: number;
  bytes: number;
}

/** One pass of one operation at one shape. */
export interface OpCase {
  name: string;
  /** Sizes as text, for the table. */
  shape: string;
  cost: Cost;
  /** Records one call. */
  record(): void;
  /** Runs one call and gives its relative L2 error against float64, the worst of its results. */
  check(): Promise<number>;
}

/** Sizes of a network's tensors. */
export interface OpSize {
  batch: number;
  tokens: number;
  width: number;
  heads: number;
}

/** Bytes of so many f32. */
export const f32 = (values: number): number => 4 * values;

/** Makes inputs of N(0, 1) and frees them together. */
export class Inputs {
  readonly device: Device;
  readonly #random = new Random(1, "init", 11);
  readonly #tensors: Tensor[] = [];
  readonly #actions: (() => void)[] = [];

  constructor(device: Device) {
    this.device = device;
  }

  /** A tensor and its values on the host. */
  normal(shape: Shape, std = 1): { tensor: Tensor; values: Float32Array } {
    const values = this.#random.fillNormal(new Float32Array(sizeOf(shape)), std);
    return { tensor: this.from(values, shape), values };
  }

  /** u32 below `limit`. */
  whole(shape: Shape, limit: number): { tensor: Tensor; values: Uint32Array } {
    const values = Uint32Array.from({ length: sizeOf(shape) }, () => this.#random.below(limit));
    return { tensor: this.from(values, shape, "u32"), values };
  }

  from(
    values: Float32Array | Uint32Array | Int32Array,
    shape: Shape,
    dtype: Tensor["dtype"] = "f32",
  ): Tensor {
    const tensor = Tensor.from(this.device, values, shape, dtype);
    this.#tensors.push(tensor);
    return tensor;
  }

  /** Adds something to free with the inputs. */
  onDispose(action: () => void): void {
    this.#actions.push(action);
  }

  /** Frees every input. */
  async dispose(): Promise<void> {
    await this.device.finish();
    for (const action of this.#actions) action();
    for (const tensor of this.#tensors) tensor.dispose();
    await this.device.allocator.trim();
  }
}

/** A differentiable operation, from which a forward and a backward case are made. */
export interface Differentiable {
  name: string;
  shape: string;
  inputs: readonly Tensor[];
  /** Which inputs get gradients; all when absent. */
  wrt?: readonly Tensor[];
  call(): Tensor;
  cost: { forward: Cost; backward: Cost };
  /** The gradient that arrives; ones for a scalar when absent. */
  seed?: Tensor;
  /** Relative errors of the result and of the gradients. */
  error(y: Float32Array, gradients: Float32Array[]): { forward: number; backward: number };
}

/** Both passes of an operation. The forward results that backward reads are computed once, outside of what is timed. */
export function bothPasses(inputs: Inputs, op: Differentiable): OpCase[] {
  const { name, shape, cost, seed } = op;
  const wrt = op.wrt ?? op.inputs;
  const options = seed ? { seed } : {};
  let y: Tensor | null = null;
  let errors: { forward: number; backward: number } | null = null;
  const checked = async () => {
    if (!errors) {
      const result = op.call();
      y = result;
      inputs.onDispose(() => result.dispose());
      const gradients = grad(y, wrt, options);
      const read = async (tensor: Tensor) => (await tensor.read()) as Float32Array;
      errors = op.error(await read(result), await Promise.all(gradients.map(read)));
      for (const gradient of gradients) gradient.dispose();
    }
    return errors;
  };
  return [
    {
      name: `${name} forward`,
      shape,
      cost: cost.forward,
      record: () => void op.call(),
      check: async () => (await checked()).forward,
    },
    {
      name: `${name} backward`,
      shape,
      cost: cost.backward,
      record: () => void grad(y!, wrt, options),
      check: async () => (await checked()).backward,
    },
  ];
}
