import type { Device } from "../gpu/device.ts";
import { ALIGNMENT, type Storage } from "../gpu/memory.ts";

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

/** A tensor, or arrays and records of them, to any depth. */
export type Tensors = Tensor | readonly Tensors[] | { readonly [name: string]: Tensors };

/** Number of values in a shape; 1 for a scalar `[]`. */
export const sizeOf = (shape: Shape): number => shape.reduce((size, n) => size * n, 1);

const BYTES_PER_VALUE = 4;

/** Bytes of a tensor of this shape. Throws one sentence for what is no shape, and for none without values. */
function bytesOf(where: string, shape: Shape): number {
  if (!shape.every((n) => Number.isInteger(n) && n > 0)) {
    throw new Error(`${where}: every axis needs a positive whole length; got [${shape}]`);
  }
  return sizeOf(shape) * BYTES_PER_VALUE;
}

let recorded = 0;

/** How many tensors have been recorded so far: what is recorded from now on has at least this serial. */
export const recordedSoFar = (): number => recorded;

/** Notes where a tensor came from. Every gradient path is made here. */
export function record(output: Tensor, origin: Omit<Origin, "serial">): Tensor {
  output.origin = { ...origin, serial: recorded++ };
  return output;
}

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
    return new Tensor(device, shape, dtype, device.allocate(bytesOf("Tensor.empty", shape)));
  }

  static zeros(device: Device, shape: Shape, dtype: DType = "f32"): Tensor {
    const tensor = Tensor.empty(device, shape, dtype);
    device.clear(tensor);
    return tensor;
  }

  /**
   * A tensor holding `values`, a flat list. Inside a compiled step the values are those of the capture, for every replay,
   * and the memory is the step's: what changes from step to step belongs in a tensor made outside and filled with `write`.
   */
  static from(
    device: Device,
    values: Values | readonly number[],
    shape: Shape,
    dtype: DType = "f32",
  ): Tensor {
    const bytes = bytesOf("Tensor.from", shape);
    const array = toArray("Tensor.from", values, shape, dtype);
    const tensor = new Tensor(device, shape, dtype, device.eager.allocate(bytes));
    device.write(tensor, array);
    return tensor;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get bytes(): number {
    return this.size * BYTES_PER_VALUE;
  }

  /**
   * The same memory, from `offset` bytes on, under another shape and dtype, for what works on memory: parts of a flat
   * buffer. Gradients do not pass, and `grad` refuses to look for one behind it; `reshape` and `slice` are the ops that
   * they do pass, `stopGradient` the one that ends them on purpose.
   */
  alias(shape: Shape, offset = 0, dtype: DType = this.dtype): Tensor {
    const bytes = bytesOf("Tensor.alias", shape);
    if (!Number.isInteger(offset / ALIGNMENT) || offset < 0) {
      throw new Error(`Tensor.alias: the offset must be a multiple of ${ALIGNMENT} bytes; got ${offset}`);
    }
    if (offset + bytes > this.bytes) {
      throw new Error(
        `Tensor.alias: [${shape}] from byte ${offset} must lie within the ${this.bytes} bytes of [${this.shape}]`,
      );
    }
    const { device, storage } = this;
    return record(new Tensor(device, shape, dtype, storage, this.offset + offset), {
      name: "alias",
      inputs: [this],
      backward() {
        throw new Error(
          "Tensor.alias: gradients do not pass an alias. Use reshape or slice, or stopGradient to end them here",
        );
      },
    });
  }

  /**
   * Replaces the values, in queue order: work recorded before sees the old ones. The graph does not notice: a gradient taken
   * after it, through an op that read this tensor before, mixes both. Throws while a step is captured.
   */
  write(values: Values | readonly number[]): void {
    if (this.device.isCapturing) {
      throw new Error(
        "Tensor.write: the host must not write within a captured step, as its runs would not repeat it; " +
          "got a write at the capture. Write before each run",
      );
    }
    this.device.write(this, toArray("Tensor.write", values, this.shape, this.dtype));
  }

  /** Waits for the GPU and copies the values out. */
  async read(): Promise<Values> {
    return valuesOf(await this.device.read(this), this.dtype);
  }

  /** The single value of a scalar or one-element tensor. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new Error(`Tensor.item: needs exactly one value; got shape [${this.shape}]`);
    return (await this.read())[0]!;
  }

  /**
   * Gives the memory back at once; also ends the life of every alias of it. `reshape`, `stopGradient` and `cast` between whole
   * numbers give one, and an op that has nothing to do (`dropout` of 0, a `slice` of all, `expand` to the same shape) gives
   * its input itself. The memory of a compiled step's outputs goes with the step alone.
   */
  dispose(): void {
    this.device.release(this.storage);
  }
}

/** Bytes of a little-endian buffer as values of a dtype. */
export function valuesOf(buffer: ArrayBuffer, dtype: DType): Values {
  if (dtype === "f32") return new Float32Array(buffer);
  return dtype === "i32" ? new Int32Array(buffer) : new Uint32Array(buffer);
}

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array } as const;

/** The values of a dtype; integers are whole. */
const RANGES = {
  f32: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
} as const;

/** Throws one sentence if a value is no number, or none that an integer dtype has. */
export function checkValues(where: string, values: ArrayLike<unknown>, dtype: DType): void {
  const [least, most] = RANGES[dtype];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "number") {
      throw new Error(`${where}: values must be a flat list of numbers; got ${nameOf(value)} at ${i}`);
    }
    if (dtype !== "f32" && !(Number.isInteger(value) && value >= least && value <= most)) {
      throw new Error(
        `${where}: ${dtype} values are whole numbers from ${least} to ${most}; got ${value} at ${i}`,
      );
    }
  }
}

const nameOf = (value: unknown): string => (Array.isArray(value) ? "a list" : `${typeof value} ${value}`);

/**
 * The values as a dtype's own array, as many as the shape holds. A private copy where the queue may not read: Dawn
 * crashes on views of a SharedArrayBuffer.
 */
function toArray(
  where: string,
  values: Values | readonly number[],
  shape: Shape,
  dtype: DType,
): Values & ArrayBufferView<ArrayBuffer> {
  const size = sizeOf(shape);
  if (values.length !== size) {
    throw new Error(`${where}: shape [${shape}] holds ${size} values; got ${values.length}`);
  }
  const fits = values instanceof ARRAYS[dtype];
  if (fits && values.buffer instanceof ArrayBuffer) return values as Values & ArrayBufferView<ArrayBuffer>;
  if (!fits) checkValues(where, values, dtype);
  return ARRAYS[dtype].from(values);
}
