import type { Device } from "../gpu/device.ts";
import { ALIGNMENT } from "../gpu/memory.ts";
import { type Shape, sizeOf, Tensor } from "./tensor.ts";

/** One named parameter of a model and its first values. */
export interface ParameterSpec {
  /** timm's name, for example `blocks.0.attn.qkv.weight`. */
  name: string;
  shape: Shape;
  /** May be a getter: a device that only plans does not read it. */
  values: Float32Array;
  /** False for what is stored with the model but never trained (fixed positions, running statistics). */
  trained?: boolean;
  /** Whether weight decay applies; by default to all with more than one axis, as in MAE and DINO. */
  decay?: boolean;
  /** Learning rate relative to the model's, for layer-wise decay; 1 when absent. */
  rateScale?: number;
  /** Whether its updates may begin later than the others' (a last layer that is frozen at first): it lies in shards apart. */
  late?: boolean;
}

/** A spec with some of its fields changed; a getter of values stays one. */
export const specWith = (spec: ParameterSpec, changes: Partial<ParameterSpec>): ParameterSpec =>
  Object.assign(Object.create(spec) as ParameterSpec, changes);

/** Where a parameter lies: its shard, and its first value there, a multiple of `BLOCK`. */
export interface Segment {
  name: string;
  shape: Shape;
  shard: number;
  start: number;
  size: number;
  trained: boolean;
  decay: boolean;
  rateScale: number;
  late: boolean;
}

/** A parameter's values on the host. */
export interface NamedValues {
  shape: Shape;
  values: Float32Array;
}

export interface ParametersOptions {
  /** Whether there is room for gradients; true when absent. */
  gradients?: boolean;
  /** Bytes after which a shard is cut, `SHARD_BYTES` when absent; no bit depends on it. */
  shardBytes?: number;
}

/** Values per alignment unit: segments start at multiples of it. */
export const BLOCK = ALIGNMENT / 4;

/** What every WebGPU adapter binds at once; also what the host holds at once when shards are read one by one. */
export const SHARD_BYTES = 128 * 2 ** 20;

/**
 * A model's parameters in a few flat buffers, the shards, trained ones first, with a view for each name. Shards are cut
 * between parameters, by their order and sizes alone. Optimisers, EMA, gradient norms and checkpoints work on whole
 * shards; the padding between segments stays zero. Tensors that are laid out alike, one for each shard, hold moments
 * and averages.
 */
export class Parameters {
  readonly device: Device;
  readonly segments: readonly Segment[];
  /** Every parameter, a [size] for each shard. */
  readonly values: readonly Tensor[];
  /** The trained ones: the fronts of the first shards. */
  readonly trained: readonly Tensor[];
  /** Gradients of the trained ones, laid out alike; null for a model that is not trained. */
  readonly gradients: readonly Tensor[] | null;
  readonly #views: Map<string, Tensor>;
  readonly #tables: Tensor[] = [];

  /** Throws if a name is used twice, values do not fit a shape, or one parameter is more than the adapter binds. */
  constructor(device: Device, specs: readonly ParameterSpec[], options: ParametersOptions = {}) {
    const { gradients = true, shardBytes = SHARD_BYTES } = options;
    this.device = device;
    this.segments = layOut(device, specs, shardBytes);
    const byName = new Map(specs.map((spec) => [spec.name, spec]));
    if (byName.size !== specs.length) throw new Error("Parameters: every name must be used once");
    this.values = sizesOf(this.segments).map((total, shard) => {
      const flat = new Float32Array(total);
      for (const segment of device.plansOnly ? [] : this.segments) {
        if (segment.shard === shard) flat.set(valuesFor(segment, byName.get(segment.name)), segment.start);
      }
      return Tensor.from(device, flat, [total]);
    });
    const trainedSizes = sizesOf(this.segments.filter(({ trained }) => trained));
    this.trained = trainedSizes.map((size, shard) => this.values[shard]!.alias([size]));
    this.gradients = gradients && trainedSizes.length > 0 ? this.zeros() : null;
    this.#views = this.views(this.values);
  }

  /** The view of one parameter; always the same tensor for a name. */
  get(name: string): Tensor {
    const view = this.#views.get(name);
    if (!view)
      throw new Error(`Parameters: no parameter is called ${name}; there are ${[...this.#views.keys()]}`);
    return view;
  }

  has(name: string): boolean {
    return this.#views.has(name);
  }

  /** What `grad` takes and fills: the trained tensors and their places in the flat gradients. */
  trainable(): { tensors: Tensor[]; into: Tensor[] } {
    const { gradients } = this;
    if (!gradients) throw new Error("Parameters.trainable: this model was made without gradients");
    const into = this.views(gradients);
    return { tensors: [...into.keys()].map((name) => this.get(name)), into: [...into.values()] };
  }

  /** Number of values, padding left out. */
  count(which: "all" | "trained" = "all"): number {
    const counted = this.segments.filter(({ trained }) => which === "all" || trained);
    return counted.reduce((sum, { size }) => sum + size, 0);
  }

  /** Zeros for the trained parameters, laid out as `trained`: a moment, an average. */
  zeros(): Tensor[] {
    return this.trained.map(({ size }) => Tensor.from(this.device, new Float32Array(size), [size]));
  }

  /** Views by name of tensors laid out as `values` or `trained`, in the order of the segments. */
  views(tensors: readonly Tensor[]): Map<string, Tensor> {
    return new Map(
      this.#inside(tensors).map(({ name, shape, shard, start }) => [
        name,
        tensors[shard]!.alias(shape, start * 4),
      ]),
    );
  }

  /** Copies tensors laid out as `values` or `trained` out, name by name; the host holds one shard at a time. */
  async *entries(tensors: readonly Tensor[]): AsyncGenerator<[name: string, NamedValues]> {
    const inside = this.#inside(tensors);
    for (const [shard, tensor] of tensors.entries()) {
      const flat = (await tensor.read()) as Float32Array;
      for (const { name, shape, start, size } of inside.filter((segment) => segment.shard === shard)) {
        yield [name, { shape, values: flat.slice(start, start + size) }];
      }
    }
  }

  /** The same all at once. */
  async read(tensors: readonly Tensor[]): Promise<Map<string, NamedValues>> {
    const named = new Map<string, NamedValues>();
    for await (const [name, values] of this.entries(tensors)) named.set(name, values);
    return named;
  }

  /** What goes where in tensors laid out as `values` or `trained`. Throws unless every name is there with its shape. */
  match(
    tensors: readonly Tensor[],
    named: ReadonlyMap<string, NamedValues>,
  ): { view: Tensor; values: Float32Array }[] {
    return [...this.views(tensors)].map(([name, view]) => {
      const found = named.get(name);
      if (!found || `${found.shape}` !== `${view.shape}`) {
        const given = found ? `[${found.shape}]` : "nothing";
        throw new Error(
          `Parameters: ${name} needs shape [${view.shape}]; got ${given}. Was it another model?`,
        );
      }
      return { view, values: found.values };
    });
  }

  /** Fills tensors laid out as `values` or `trained`; throws, before any is written, as `match` does. */
  write(tensors: readonly Tensor[], named: ReadonlyMap<string, NamedValues>): void {
    for (const { view, values } of this.match(tensors, named)) view.write(values);
  }

  /** Lets a table about this model live as long as it, whatever `tidy` or step it is made in. */
  table(make: () => Tensor): Tensor {
    const made = this.device.eager.keep(make);
    this.#tables.push(made);
    return made;
  }

  /** Gives the memory of values, gradients and tables back. */
  dispose(): void {
    for (const tensor of [...this.values, ...(this.gradients ?? []), ...this.#tables]) tensor.dispose();
  }

  /** The segments that tensors laid out as `values` or `trained` hold. */
  #inside(tensors: readonly Tensor[]): Segment[] {
    return this.segments.filter(({ shard, start }) => start < (tensors[shard]?.size ?? 0));
  }
}

function valuesFor({ name, size }: Segment, spec: ParameterSpec | undefined): Float32Array {
  const { values } = spec!;
  if (values.length !== size) {
    throw new Error(`Parameters: ${name} needs ${size} values; got ${values.length}`);
  }
  return values;
}

/** Rounds a number of values up to whole blocks. */
const wholeBlocks = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** The values up to the last segment of each shard, padding included. */
function sizesOf(segments: readonly Segment[]): number[] {
  const sizes: number[] = [];
  for (const { shard, start, size } of segments) sizes[shard] = wholeBlocks(start + size);
  return sizes;
}

/**
 * Trained parameters first, each at the next block; a shard ends where the next would make it too large, and between trained
 * parameters that begin late and those that do not.
 */
function layOut(device: Device, specs: readonly ParameterSpec[], shardBytes: number): Segment[] {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  const perShard = Math.min(shardBytes, most) / 4;
  const isTrained = ({ trained = true }: ParameterSpec) => trained;
  const ordered = [...specs.filter(isTrained), ...specs.filter((spec) => !isTrained(spec))];
  let [shard, start, isLate] = [0, 0, false];
  return ordered.map((spec) => {
    const { name, shape, decay = shape.length > 1, rateScale = 1 } = spec;
    const late = isTrained(spec) ? (spec.late ?? false) : isLate;
    const size = sizeOf(shape);
    if (wholeBlocks(size) * 4 > most) {
      throw new Error(
        `Parameters: ${name} must fit the ${most} bytes that this adapter binds at once; got ${size * 4}. ` +
          "Use a smaller model",
      );
    }
    if (start > 0 && (late !== isLate || start + wholeBlocks(size) > perShard))
      [shard, start] = [shard + 1, 0];
    isLate = late;
    const segment = { name, shape, shard, start, size, trained: isTrained(spec), decay, rateScale, late };
    start += wholeBlocks(size);
    return segment;
  });
}
