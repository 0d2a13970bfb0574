import type { Device } from "../gpu/device.ts";
import { checkDTypes, type Takes } from "./takes.ts";
import { type DType, type Flow, record, type Shape, Tensor } from "./tensor.ts";

type Shapes<In> = { [I in keyof In]: Shape };

/** One forward evaluation of an op. */
export interface Call<In extends readonly Tensor[], Params> {
  readonly device: Device;
  readonly inputs: In;
  readonly params: Params;
  readonly output: Tensor;
}

/** The same, when its gradient is asked for. */
export interface BackwardCall<In extends readonly Tensor[], Params, Saved> extends Call<In, Params>, Flow {
  /** What `forward` returned. */
  readonly saved: Saved;
}

/** Everything the engine knows about an op. */
export interface OpRule<In extends readonly Tensor[], Params, Saved> {
  name: string;
  /** Which dtypes each input may have: anything else is refused before a shape is looked at. */
  takes: Takes;
  /** Output shape. Throws one clear sentence if the inputs do not fit. */
  shape(inputs: Shapes<In>, params: Params): Shape;
  /** Output dtype; that of the first input when absent. */
  dtype?: DType;
  /** Fills `output`; returns what backward needs besides inputs and output. */
  forward(call: Call<In, Params>): Saved;
  /** One gradient per input given dy; null where there is none. Not asked for a result of whole numbers. */
  backward(call: BackwardCall<In, Params, Saved>, dy: Tensor): (Tensor | null)[];
}

/** Turns a rule into a callable op: check dtypes and shapes, allocate, run, record. */
/* @__NO_SIDE_EFFECTS__ */
export function defineOp<In extends readonly [Tensor, ...Tensor[]], Params = void, Saved = void>(
  rule: OpRule<In, Params, Saved>,
): (inputs: In, params: Params) => Tensor {
  return (inputs, params) => {
    checkDTypes(rule.name, rule.takes, inputs);
    const { device, dtype } = inputs[0];
    for (const { storage } of inputs) if (storage.released) storage.use(rule.name);
    const shapes = inputs.map((input) => input.shape) as unknown as Shapes<In>;
    const output = Tensor.empty(device, rule.shape(shapes, params), rule.dtype ?? dtype);
    const call = { device, inputs, params, output };
    const saved = rule.forward(call);
    return record(output, {
      name: rule.name,
      inputs,
      backward: (dy, flow) =>
        output.dtype === "f32" ? rule.backward({ ...call, saved, ...flow }, dy) : inputs.map(() => null),
    });
  };
}

/** The same values with no way back: gradients stop here. The memory is shared. */
export function stopGradient(x: Tensor): Tensor {
  const y = x.alias(x.shape);
  y.origin = null;
  return y;
}
