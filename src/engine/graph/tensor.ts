import type { Device } from "../gpu/device.ts";
import type { Storage } from "../gpu/memory.ts";

export type Shape = readonly number[];
export type DType = "f32" | "i32" | "u32";
export type Values = Float32Array | Int32Array | Uint32Array;

/** What autograd offers to an op's backward. */
export interface Flow {
  /** Whether anyone needs the gradient of input i. */
  wants(i: number): boolean;
  /** An uninitialised tensor for the gradient of input i: a model's flat gradient buffer where it can be. */
  into(i: number): Tensor;
  /**
   * The gradient that reached input i by other paths so far, or null. An op that asks for it returns the sum of both,
   * so that no pass of its own is needed to add them.
   */
  arrived(i: number): Tensor | null;
  /**
   * Walks back through another graph between the same inputs, from the gradients of its outputs, and adds what reaches
   * the inputs to their gradients, which it returns. For an op whose graph is made anew: `recompute`.
   */
  through(seeds: ReadonlyMap<Tensor, Tensor>): Tensor[];
}

/** Where a tensor came from: what autograd walks back through. */
export interface Origin {
  name: string;
  inputs: readonly Tensor[];
  /** How many tensors were recorded before this one. */
  serial: number;
  /** One gradient per input, null where none flows. */
  backward(dy: Tensor, flow: Flow): (Tensor | null)[];
}

/** Number of values in a shape; 1 for a scalar `[]`. */
export const sizeOf = (shape: Shape): number => shape.reduce((size, n) => size * n, 1);

const BYTES_PER_VALUE = 4;

/** A contiguous, row-major range of GPU memory with a shape. Data and little else: ops are functions. */
export class Tensor {
  readonly device: Device;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: Storage;
  /** Byte offset into the storage, a multiple of `ALIGNMENT`. */
  readonly offset: number;
  origin: Origin | null = null;

  constructor(device: Device, shape: Shape, dtype: DType, storage: Storage, offset = 0) {
    this.device = device;
    this.shape = shape;
    this.dtype = dtype;
    this.storage = storage;
    this.offset = offset;
  }

  /** A tensor with undefined contents. */
  static empty(device: Device, shape: Shape, dtype: DType = "f32"): Tensor {
    if (!shape.every((n) => Number.isInteger(n) && n > 0)) {
      throw new Error(`Tensor.empty: every axis needs a positive whole length; got [${shape}]`);
    }
    return new Tensor(device, shape, dtype, device.allocate(sizeOf(shape) * BYTES_PER_VALUE));
  }

  static zeros(device: Device, shape: Shape, dtype: DType = "f32"): Tensor {
    const tensor = Tensor.empty(device, shape, dtype);
    device.clear(tensor);
    return tensor;
  }

  /**
   * A tensor holding `values`. Inside a compiled step the values are those of the capture, for every replay: what
   * changes from step to step belongs in a tensor made outside and filled with `write`.
   */
  static from(
    device: Device,
    values: Values | readonly number[],
    shape: Shape,
    dtype: DType = "f32",
  ): Tensor {
    const tensor = new Tensor(device, shape, dtype, device.eager.allocate(sizeOf(shape) * BYTES_PER_VALUE));
    tensor.write(values);
    return tensor;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get bytes(): number {
    return this.size * BYTES_PER_VALUE;
  }

  /** Another shape over the same memory, optionally starting `offset` bytes further. Not recorded by autograd. */
  alias(shape: Shape, offset = 0, dtype: DType = this.dtype): Tensor {
    return new Tensor(this.device, shape, dtype, this.storage, this.offset + offset);
  }

  /** Replaces the values, in queue order: work recorded before sees the old ones. */
  write(values: Values | readonly number[]): void {
    const array = toArray(values, this.dtype);
    if (array.length !== this.size) {
      throw new Error(`Tensor.write: shape [${this.shape}] holds ${this.size} values; got ${array.length}`);
    }
    if (!this.storage.buffer) throw new Error("Tensor.write: this tensor exists only inside a compiled step");
    this.device.write(this, array);
  }

  /** Waits for the GPU and copies the values out. */
  async read(): Promise<Values> {
    if (!this.storage.buffer)
      throw new Error("Tensor.read: this tensor exists only inside a compiled step; return it there");
    return valuesOf(await this.device.read(this), this.dtype);
  }

  /** The single value of a scalar or one-element tensor. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new Error(`Tensor.item: needs exactly one value; got shape [${this.shape}]`);
    return (await this.read())[0]!;
  }

  /** Gives the memory back at once; also ends the life of every view of it. */
  dispose(): void {
    this.device.release(this.storage);
  }
}

/** Bytes of a little-endian buffer as values of a dtype. */
export function valuesOf(buffer: ArrayBuffer, dtype: DType): Values {
  if (dtype === "f32") return new Float32Array(buffer);
  return dtype === "i32" ? new Int32Array(buffer) : new Uint32Array(buffer);
}

/** A private copy where the queue may not read: Dawn crashes on views of a SharedArrayBuffer. */
function toArray(values: Values | readonly number[], dtype: DType): Values & ArrayBufferView<ArrayBuffer> {
  const fits =
    (dtype === "f32" && values instanceof Float32Array) ||
    (dtype === "i32" && values instanceof Int32Array) ||
    (dtype === "u32" && values instanceof Uint32Array);
  if (fits && values.buffer instanceof ArrayBuffer) return values as Values & ArrayBufferView<ArrayBuffer>;
  const numbers = values as ArrayLike<number>;
  if (dtype === "f32") return Float32Array.from(numbers);
  return dtype === "i32" ? Int32Array.from(numbers) : Uint32Array.from(numbers);
}
