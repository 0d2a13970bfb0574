import erfWgsl from "../../shaders/erf.wgsl";
import nanWgsl from "../../shaders/nan.wgsl";
import { runElementwise } from "../gpu/elementwiseKernel.ts";
import { ALIAS, elementwise, type Formula, formula } from "../gpu/formula.ts";
import { fill } from "../graph/fill.ts";
import { defineOp } from "../graph/op.ts";
import { ANY, checkDTypes, type DTypes, FLOAT } from "../graph/takes.ts";
import { type DType, Tensor } from "../graph/tensor.ts";
import { broadcastShape, sumTo } from "./broadcast.ts";
import { layoutOf } from "./layout.ts";

// Every op here takes f32, and NaN where an input is NaN is NaN in the result. An op that takes whole numbers, too, says
// so, computes with all their bits, wraps around beyond the ends of their range, and has no gradient for them.

/** What a row may say besides its formulas. */
interface More {
  /** WGSL files that the formulas call. */
  shared?: readonly string[];
  /** f32 alone when absent. */
  takes?: DTypes;
  /** The value of whole numbers, where it is written otherwise. */
  whole?: string;
}

/** The formula of the value by dtype. */
function valuesOf(name: string, inputs: readonly string[], value: string, { shared, whole = value }: More) {
  const of = (dtype: DType, part: string, text: string): Formula => {
    const type = ALIAS[dtype];
    const typed = inputs.map((input) => `${input}: ${type}`);
    return formula(name + part, typed, `return ${text};`, shared, type);
  };
  return { f32: of("f32", "", value), i32: of("i32", "_i32", whole), u32: of("u32", "_u32", whole) };
}

/** An elementwise op of one input: y given x, and dx given x, y and dy, as WGSL over `V` (f32 or vec4f). */
/* @__NO_SIDE_EFFECTS__ */
function unary(name: string, value: string, gradient: string, more: More = {}): (x: Tensor) => Tensor {
  const forward = valuesOf(name, ["x"], value, more);
  const backward = formula(`${name}_dx`, ["x: V", "y: V", "dy: V"], `return ${gradient};`, more.shared);
  const op = defineOp<[Tensor]>({
    name,
    takes: { x: more.takes ?? FLOAT },
    shape: ([x]) => x,
    forward({ device, inputs: [x], output: y }) {
      runElementwise(device, elementwise(forward[x.dtype], [x], y));
    },
    backward({ device, inputs: [x], output: y, into }, dy) {
      const dx = into(0);
      runElementwise(device, elementwise(backward, [x, y, dy], dx));
      return [dx];
    },
  });
  return (x) => op([x]);
}

// name, y given x, dx given x, y and dy: a choice where slopes are 0 and 1, as infinity times 0 is NaN
/** -x; i32, too. */
export const neg = unary("neg", "-x", "dy * V(-1.0)", { takes: ["f32", "i32"] });
/** e^x */
export const exp = unary("exp", "exp_or_nan(x)", "dy * y", { shared: [nanWgsl] });
/** ln x; -infinity at 0, NaN below. */
export const log = unary("log", "log_or_nan(x)", "dy * (1.0 / x)", { shared: [nanWgsl] });
/** x^(1/2); NaN below 0. */
export const sqrt = unary("sqrt", "sqrt(x)", "dy * (0.5 / y)");
/** x^(-1/2); NaN below 0. */
export const rsqrt = unary("rsqrt", "inverseSqrt(x)", "dy * (-0.5 * y / x)");
/** x * x, of any dtype. */
export const square = unary("square", "x * x", "dy * (2.0 * x)", { takes: ANY });
/** 1 / x */
export const reciprocal = unary("reciprocal", "1.0 / x", "dy * (-y * y)");
/** |x|; i32, too. Slope 0 at 0. */
export const abs = unary("abs", "abs(x)", "dy * sign(x)", { takes: ["f32", "i32"] });
/** Hyperbolic tangent; the argument is clamped because some drivers overflow to NaN beyond 40. */
export const tanh = unary("tanh", "keep_nan(x, tanh(clamp(x, V(-15.0), V(15.0))))", "dy * (1.0 - y * y)", {
  shared: [nanWgsl],
});
/** 1 / (1 + e^-x) */
export const sigmoid = unary("sigmoid", "1.0 / (1.0 + exp_or_nan(-x))", "dy * (y * (1.0 - y))", {
  shared: [nanWgsl],
});
/** max(x, 0) */
export const relu = unary("relu", "keep_nan(x, max(x, V(0.0)))", "select(V(0.0), dy, x > V(0.0))", {
  shared: [nanWgsl],
});
/** The error function, within 4e-7 of exact. */
export const erf = unary("erf", "keep_nan(x, erf(x))", "dy * (1.1283791670955126 * exp(-x * x))", {
  shared: [nanWgsl, erfWgsl],
});
/** x Φ(x): torch.nn.functional.gelu(x), by the error function. */
export const gelu = unary("gelu", "gelu(x)", "dy * gelu_slope(x)", { shared: [erfWgsl] });
/** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))): torch.nn.functional.gelu(x, approximate="tanh"). */
export const geluTanh = unary("geluTanh", "gelu_tanh(x)", "dy * gelu_tanh_slope(x)", { shared: [erfWgsl] });

/** An elementwise op of two inputs of one dtype that broadcast: y given a and b, da and db given a, b, y and dy. */
/* @__NO_SIDE_EFFECTS__ */
function binary(
  name: string,
  value: string,
  da: string,
  db: string,
  more: More = {},
): (a: Tensor, b: Tensor) => Tensor {
  const forward = valuesOf(name, ["a", "b"], value, more);
  const gradientOf = (input: string, gradient: string) =>
    formula(
      `${name}_d${input}`,
      ["a: V", "b: V", "dy: V"],
      `let y = ${value}; return ${gradient};`,
      more.shared,
    );
  const backward = [gradientOf("a", da), gradientOf("b", db)];
  const op = defineOp<[Tensor, Tensor]>({
    name,
    takes: { a: more.takes ?? FLOAT, b: "same" },
    shape: ([a, b]) => broadcastShape(name, a, b),
    forward({ device, inputs: [a, b], output: y }) {
      const { lanes, inputs } = layoutOf([a, b], y.shape);
      runElementwise(device, { formula: forward[a.dtype], size: y.size, lanes, inputs, output: y });
    },
    backward({ device, inputs: [a, b], output: y, wants }, dy) {
      const { lanes, inputs: operands } = layoutOf([a, b], y.shape);
      return [a, b].map((input, i) => {
        if (!wants(i)) return null;
        if ((i === 0 ? da : db) === "dy") return sumTo(dy, input.shape);
        const full = Tensor.empty(device, y.shape);
        const inputs = [...operands, { range: dy }];
        runElementwise(device, { formula: backward[i]!, size: y.size, lanes, inputs, output: full });
        return sumTo(full, input.shape);
      });
    },
  });
  return (a, b) => op([a, b]);
}

// name, y given a and b, da and db given a, b, y and dy
/** a + b, broadcasting as in NumPy. Any dtype. */
export const add = binary("add", "a + b", "dy", "dy", { takes: ANY });
/** a - b, broadcasting. Any dtype. */
export const sub = binary("sub", "a - b", "dy", "dy * V(-1.0)", { takes: ANY });
/** a * b, broadcasting. Any dtype. */
export const mul = binary("mul", "a * b", "dy * b", "dy * a", { takes: ANY });
/** a / b, broadcasting. */
export const div = binary("div", "a / b", "dy * (1.0 / b)", "dy * (-y / b)");
/** The larger of a and b, broadcasting. Any dtype. NaN where either is; at a tie the gradient goes to a. */
export const maximum = binary(
  "maximum",
  "keep_nan(a, keep_nan(b, max(a, b)))",
  "select(V(0.0), dy, a >= b)",
  "select(dy, V(0.0), a >= b)",
  { shared: [nanWgsl], takes: ANY, whole: "max(a, b)" },
);

/** factor * x, x f32, with a factor fixed for good; one that changes by step is a tensor: `mul(x, factor)`. */
export function scale(x: Tensor, factor: number): Tensor {
  checkDTypes("scale", { x: FLOAT }, [x]);
  return mul(x, fill(x.device, [], factor));
}
