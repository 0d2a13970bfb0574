import erfWgsl from "../../shaders/erf.wgsl";
import { runElementwise } from "../gpu/elementwiseKernel.ts";
import { elementwise, formula } from "../gpu/formula.ts";
import { fill } from "../graph/fill.ts";
import { defineOp } from "../graph/op.ts";
import { Tensor } from "../graph/tensor.ts";
import { broadcastShape, sumTo } from "./broadcast.ts";
import { layoutOf } from "./layout.ts";

/** An elementwise op of one input: y given x, and dy/dx given x and y, as WGSL over `V` (f32 or vec4f). */
/* @__NO_SIDE_EFFECTS__ */
function unary(
  name: string,
  value: string,
  slope: string,
  shared: readonly string[] = [],
): (x: Tensor) => Tensor {
  const forward = formula(name, ["x: V"], `return ${value};`, shared);
  const backward = formula(`${name}_dx`, ["x: V", "y: V", "dy: V"], `return dy * (${slope});`, shared);
  const op = defineOp<[Tensor]>({
    name,
    shape: ([x]) => x,
    forward({ device, inputs: [x], output: y }) {
      runElementwise(device, elementwise(forward, [x], y));
    },
    backward({ device, inputs: [x], output: y, into }, dy) {
      const dx = into(0);
      runElementwise(device, elementwise(backward, [x, y, dy], dx));
      return [dx];
    },
  });
  return (x) => op([x]);
}

// name, y given x, dy/dx given x and y
/** -x */
export const neg = unary("neg", "-x", "V(-1.0)");
/** e^x */
export const exp = unary("exp", "exp(x)", "y");
/** ln x */
export const log = unary("log", "log(x)", "1.0 / x");
/** x^(1/2) */
export const sqrt = unary("sqrt", "sqrt(x)", "0.5 / y");
/** x^(-1/2) */
export const rsqrt = unary("rsqrt", "inverseSqrt(x)", "-0.5 * y / x");
/** x * x */
export const square = unary("square", "x * x", "2.0 * x");
/** 1 / x */
export const reciprocal = unary("reciprocal", "1.0 / x", "-y * y");
/** |x|; slope 0 at 0. */
export const abs = unary("abs", "abs(x)", "sign(x)");
/** Hyperbolic tangent; the argument is clamped because some drivers overflow to NaN beyond 40. */
export const tanh = unary("tanh", "tanh(clamp(x, V(-15.0), V(15.0)))", "1.0 - y * y");
/** 1 / (1 + e^-x) */
export const sigmoid = unary("sigmoid", "1.0 / (1.0 + exp(-x))", "y * (1.0 - y)");
/** max(x, 0) */
export const relu = unary("relu", "max(x, V(0.0))", "select(V(0.0), V(1.0), x > V(0.0))");
/** The error function, within 4e-7 of exact. */
export const erf = unary("erf", "erf(x)", "1.1283791670955126 * exp(-x * x)", [erfWgsl]);
/** x Φ(x): torch.nn.functional.gelu(x), by the error function. */
export const gelu = unary("gelu", "gelu(x)", "gelu_slope(x)", [erfWgsl]);
/** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))): torch.nn.functional.gelu(x, approximate="tanh"). */
export const geluTanh = unary("geluTanh", "gelu_tanh(x)", "gelu_tanh_slope(x)", [erfWgsl]);

/** An elementwise op of two inputs that broadcast: y given a and b, and both slopes given a, b and y. */
/* @__NO_SIDE_EFFECTS__ */
function binary(name: string, value: string, da: string, db: string): (a: Tensor, b: Tensor) => Tensor {
  const forward = formula(name, ["a: V", "b: V"], `return ${value};`);
  const gradientBy = (input: string, slope: string) =>
    formula(`${name}_d${input}`, ["a: V", "b: V", "dy: V"], `let y = ${value}; return dy * (${slope});`);
  const backward = [gradientBy("a", da), gradientBy("b", db)];
  const op = defineOp<[Tensor, Tensor]>({
    name,
    shape: ([a, b]) => broadcastShape(name, a, b),
    forward({ device, inputs: [a, b], output: y }) {
      const { lanes, inputs } = layoutOf([a, b], y.shape);
      runElementwise(device, { formula: forward, size: y.size, lanes, inputs, output: y });
    },
    backward({ device, inputs: [a, b], output: y, wants }, dy) {
      const { lanes, inputs: operands } = layoutOf([a, b], y.shape);
      return [a, b].map((input, i) => {
        if (!wants(i)) return null;
        if ((i === 0 ? da : db) === "V(1.0)") return sumTo(dy, input.shape);
        const full = Tensor.empty(device, y.shape);
        const inputs = [...operands, { range: dy }];
        runElementwise(device, { formula: backward[i]!, size: y.size, lanes, inputs, output: full });
        return sumTo(full, input.shape);
      });
    },
  });
  return (a, b) => op([a, b]);
}

// name, y given a and b, dy/da, dy/db given a, b and y
/** a + b, broadcasting as in NumPy. */
export const add = binary("add", "a + b", "V(1.0)", "V(1.0)");
/** a - b, broadcasting. */
export const sub = binary("sub", "a - b", "V(1.0)", "V(-1.0)");
/** a * b, broadcasting. */
export const mul = binary("mul", "a * b", "b", "a");
/** a / b, broadcasting. */
export const div = binary("div", "a / b", "1.0 / b", "-y / b");
/** The larger of a and b, broadcasting; at a tie the gradient goes to a. */
export const maximum = binary(
  "maximum",
  "max(a, b)",
  "select(V(0.0), V(1.0), a >= b)",
  "select(V(1.0), V(0.0), a >= b)",
);

/** factor * x with a factor fixed for good; one that changes by step is a tensor: `mul(x, factor)`. */
export const scale = (x: Tensor, factor: number): Tensor => mul(x, fill(x.device, [], factor));
