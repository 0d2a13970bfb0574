import type { Device } from "../gpu/device.ts";
import { ALIGNMENT } from "../gpu/memory.ts";
import { checkValues, type Shape, sizeOf, Tensor } from "../graph/tensor.ts";

/** A value that changes by step: its dtype, and its shape when it is more than one number. */
export interface StepValue {
  dtype: "f32" | "u32";
  shape?: Shape;
}

/**
 * The numbers that change from step to step (learning rate, weight decay, EMA momentum, temperatures, the step
 * counter, picture indices) in one buffer that is written before each run. Ops read them as tensors, so a captured
 * step never has one baked in.
 */
export class StepValues<Name extends string> {
  readonly #all: Tensor;
  readonly #words: Uint32Array;
  /** The same words. */
  readonly #floats: Float32Array;
  readonly #entries: Map<Name, { tensor: Tensor; at: number }>;

  constructor(device: Device, values: Record<Name, StepValue>) {
    const specs = Object.entries<StepValue>(values) as [Name, StepValue][];
    const bytes = specs.map(([, { shape = [] }]) => Math.ceil((sizeOf(shape) * 4) / ALIGNMENT) * ALIGNMENT);
    this.#words = new Uint32Array(bytes.reduce((sum, n) => sum + n, 0) / 4);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#all = Tensor.from(device, this.#words, [this.#words.length], "u32");
    let at = 0;
    this.#entries = new Map();
    for (const [i, [name, { dtype, shape = [] }]] of specs.entries()) {
      this.#entries.set(name, { tensor: this.#all.alias(shape, at, dtype), at: at / 4 });
      at += bytes[i]!;
    }
  }

  /** The tensor that ops read. */
  tensor(name: Name): Tensor {
    return this.#entries.get(name)!.tensor;
  }

  /** Sets every value for the next run, in queue order. */
  write(values: Record<Name, number | ArrayLike<number>>): void {
    for (const [name, { tensor, at }] of this.#entries) {
      const given = values[name] ?? [];
      const numbers: ArrayLike<number> = typeof given === "number" ? [given] : given;
      if (numbers.length !== tensor.size) {
        throw new Error(`StepValues.write: ${name} holds ${tensor.size} values; got ${numbers.length}`);
      }
      checkValues(`StepValues.write: ${name}`, numbers, tensor.dtype);
      if (tensor.dtype === "f32") this.#floats.set(numbers, at);
      else this.#words.set(numbers, at);
    }
    this.#all.write(this.#words);
  }

  /** Gives the memory of all values back. */
  dispose(): void {
    this.#all.dispose();
  }
}
