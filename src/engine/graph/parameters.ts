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
}

/** Where a parameter lies in the flat buffer, in values; `start` is a multiple of `BLOCK`. */
export interface Segment {
  name: string;
  shape: Shape;
  start: number;
  size: number;
  trained: boolean;
  decay: boolean;
  rateScale: number;
}

/** Values per alignment unit: segments start at multiples of it. */
export const BLOCK = ALIGNMENT / 4;

/**
 * A model's parameters in one flat buffer, trained ones first, with a view for each name. Optimisers, EMA, gradient
 * norms and checkpoints work on the whole buffer; the padding between segments stays zero.
 */
export class Parameters {
  readonly device: Device;
  readonly segments: readonly Segment[];
  /** Every parameter, [total]. */
  readonly values: Tensor;
  /** The trained ones, a view of the front of `values`, [trainedSize]. */
  readonly trained: Tensor;
  /** Gradients of the trained ones, laid out alike; null for a model that is not trained. */
  readonly gradients: Tensor | null;
  readonly #views: Map<string, Tensor>;

  constructor(device: Device, specs: readonly ParameterSpec[], options: { gradients?: boolean } = {}) {
    this.device = device;
    this.segments = layOut(specs);
    const total = endOf(this.segments);
    const flat = new Float32Array(total);
    const byName = new Map(specs.map((spec) => [spec.name, spec]));
    if (byName.size !== specs.length) throw new Error("Parameters: every name must be used once");
    for (const { name, start, size } of device.plansOnly ? [] : this.segments) {
      const { values } = byName.get(name)!;
      if (values.length !== size) {
        throw new Error(`Parameters: ${name} needs ${size} values; got ${values.length}`);
      }
      flat.set(values, start);
    }
    this.values = Tensor.from(device, flat, [total]);
    const trainedSize = endOf(this.segments.filter(({ trained }) => trained));
    this.trained = this.values.alias([Math.max(trainedSize, BLOCK)]);
    const wantsGradients = (options.gradients ?? true) && trainedSize > 0;
    this.gradients = wantsGradients
      ? Tensor.from(device, new Float32Array(trainedSize), [trainedSize])
      : null;
    this.#views = new Map(this.segments.map((segment) => [segment.name, viewOf(this.values, segment)]));
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

  /** What `grad` takes and fills: the trained tensors and their places in the flat gradient. */
  trainable(): { tensors: Tensor[]; into: Tensor[] } {
    const { gradients } = this;
    if (!gradients) throw new Error("Parameters.trainable: this model was made without gradients");
    const segments = this.segments.filter(({ trained }) => trained);
    return {
      tensors: segments.map(({ name }) => this.get(name)),
      into: segments.map((segment) => viewOf(gradients, segment)),
    };
  }

  /** Number of values, padding left out. */
  count(which: "all" | "trained" = "all"): number {
    const counted = this.segments.filter(({ trained }) => which === "all" || trained);
    return counted.reduce((sum, { size }) => sum + size, 0);
  }

  /** Named values out of a flat array laid out as this model (parameters, moments, an EMA copy). */
  unpack(flat: Float32Array): Map<string, { shape: Shape; values: Float32Array }> {
    const inside = this.segments.filter(({ start }) => start < flat.length);
    return new Map(
      inside.map(({ name, shape, start, size }) => [
        name,
        { shape, values: flat.slice(start, start + size) },
      ]),
    );
  }

  /** A flat array of `length` values from named ones; every segment inside must be there with its size. */
  pack(named: ReadonlyMap<string, { shape: Shape; values: Float32Array }>, length: number): Float32Array {
    const flat = new Float32Array(length);
    for (const { name, shape, start } of this.segments) {
      if (start >= length) continue;
      const found = named.get(name);
      if (!found || `${found.shape}` !== `${shape}`) {
        const given = found ? `[${found.shape}]` : "nothing";
        throw new Error(`Parameters: ${name} needs shape [${shape}]; got ${given}. Was it another model?`);
      }
      flat.set(found.values, start);
    }
    return flat;
  }
}

const viewOf = (flat: Tensor, { shape, start }: Segment): Tensor => flat.alias(shape, start * 4);

const endOf = (segments: readonly Segment[]): number => {
  const last = segments.at(-1);
  return last ? Math.ceil((last.start + last.size) / BLOCK) * BLOCK : 0;
};

/** Trained parameters first, each at the next block. */
function layOut(specs: readonly ParameterSpec[]): Segment[] {
  const isTrained = ({ trained = true }: ParameterSpec) => trained;
  const ordered = [...specs.filter(isTrained), ...specs.filter((spec) => !isTrained(spec))];
  let start = 0;
  return ordered.map((spec) => {
    const { name, shape, decay = shape.length > 1, rateScale = 1 } = spec;
    const segment = { name, shape, start, size: sizeOf(shape), trained: isTrained(spec), decay, rateScale };
    start = Math.ceil((start + segment.size) / BLOCK) * BLOCK;
    return segment;
  });
}
