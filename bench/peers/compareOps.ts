// Single operations, forward and backward in one call, in Partwise and in jax-js.
import * as jax from "@jax-js/jax";
import { compile } from "../../src/engine/capture/compile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { selfAttention } from "../../src/engine/ops/attention.ts";
import { geluTanh } from "../../src/engine/ops/elementwise.ts";
import { layerNorm } from "../../src/engine/ops/layerNorm.ts";
import { Random } from "../../src/engine/random.ts";
import { openDevice } from "../measure/dawn.ts";
import { relativeError } from "../measure/errors.ts";
import { say } from "../measure/program.ts";
import { callsFor, type Rounds, type Summary, timeInTurns } from "../measure/samples.ts";
import { attention64, geluTanh64, layerNorm64 } from "../reference64/layers64.ts";
import { openJax } from "./jaxStep.ts";

const { numpy: np, nn } = jax;

/** An operation of inputs with given shapes; every version takes the inputs in the same order and layout. */
export interface ComparedOp {
  shapes: number[][];
  output: number[];
  partwise(...inputs: Tensor[]): Tensor;
  jax(...inputs: jax.Array[]): jax.Array;
  /** The result, then the gradient of each input. */
  reference(inputs: Float32Array[], dy: Float32Array): ArrayLike<number>[];
}

/** Attention of a packed projection [B, N, 3D]; both libraries cut it themselves. */
function attentionOp(batch: number, heads: number, tokens: number, size: number): ComparedOp {
  const width = heads * size;
  return {
    shapes: [[batch, tokens, 3 * width]],
    output: [batch, tokens, width],
    partwise: (qkv) => selfAttention(qkv!, heads),
    jax(qkv) {
      const parts = qkv!.reshape([batch, tokens, 3, heads, size]);
      const [q, k, v] = [parts.ref.slice([], [], 0), parts.ref.slice([], [], 1), parts.slice([], [], 2)];
      return nn.dotProductAttention(q, k, v).reshape([batch, tokens, width]);
    },
    reference([qkv], dy) {
      const layer = attention64(qkv!, { batch, tokens, width, heads });
      return [layer.y, layer.backward(dy)];
    },
  };
}

function layerNormOp(rows: number, width: number): ComparedOp {
  return {
    shapes: [[rows, width], [width], [width]],
    output: [rows, width],
    partwise: (x, weight, bias) => layerNorm(x!, weight, bias),
    jax: (x, weight, bias) => nn.standardize(x!, -1, { epsilon: 1e-6 }).mul(weight!).add(bias!),
    reference([x, weight, bias], dy) {
      const layer = layerNorm64(x!, weight!, bias!, width);
      const gradients = layer.backward(dy);
      return [layer.y, gradients.x, gradients.weight, gradients.bias];
    },
  };
}

function geluOp(rows: number, width: number): ComparedOp {
  return {
    shapes: [[rows, width]],
    output: [rows, width],
    partwise: (x) => geluTanh(x!),
    jax: (x) => nn.gelu(x!, { approximate: true }),
    reference([x], dy) {
      const layer = geluTanh64(x!);
      return [layer.y, layer.backward(dy)];
    },
  };
}

/** At the shapes of the two reference steps. */
export const OP_COMPARISONS: Readonly<Record<string, ComparedOp>> = {
  "attention [16,3,65,64]": attentionOp(16, 3, 65, 64),
  "layerNorm [1040,192]": layerNormOp(1040, 192),
  "gelu [1040,768]": geluOp(1040, 768),
  "attention [32,3,65,32]": attentionOp(32, 3, 65, 32),
  "layerNorm [2080,96]": layerNormOp(2080, 96),
  "gelu [2080,384]": geluOp(2080, 384),
};

type Both<T> = { partwise: T; "jax-js": T };

/** Times of forward and backward together; `ratio` is jax-js's over Partwise's. */
export interface OpComparison {
  medianMs: Both<number>;
  spreadMs: Both<Summary>;
  ratio: number;
  /** Largest relative L2 error of the result and the gradients against float64. */
  error: Both<number>;
}

/** One library's operation on the device. */
interface Runner {
  /** Makes one call and waits for it: jax-js drops the work of results that nobody waited for. */
  run(): Promise<void>;
  /** Result and gradients of the latest call. */
  read(): Promise<ArrayLike<number>[]>;
  close(): Promise<void>;
}

async function partwiseRunner(
  device: Device,
  op: ComparedOp,
  inputs: Float32Array[],
  dy: Float32Array,
): Promise<Runner> {
  const tensors = inputs.map((values, i) => Tensor.from(device, values, op.shapes[i]!));
  const seed = Tensor.from(device, dy, op.output);
  const compiled = await compile(device, () => {
    const y = op.partwise(...tensors);
    const gradients = grad(y, tensors, { seed });
    return { y, ...Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient])) };
  });
  return {
    async run() {
      compiled.run();
      await device.finish();
    },
    read: () => Promise.all(Object.values(compiled.outputs).map((tensor) => tensor.read())),
    async close() {
      await compiled.dispose();
      for (const tensor of [...tensors, seed]) tensor.dispose();
      await device.allocator.trim();
    },
  };
}

function jaxRunner(op: ComparedOp, inputs: Float32Array[], dy: Float32Array): Runner {
  const arrays = inputs.map((values, i) => np.array(values, { shape: op.shapes[i]! }));
  const seed = np.array(dy, { shape: op.output });
  const call = jax.jit((xs: jax.Array[], dy: jax.Array) => {
    const [y, back] = jax.vjp(op.jax, xs);
    const gradients = back(dy);
    back.dispose();
    return [y, ...gradients];
  });
  let results: jax.Array[] = [];
  const drop = () => {
    for (const array of results) array.dispose();
  };
  return {
    async run() {
      drop();
      results = call(
        arrays.map((array) => array.ref),
        seed.ref,
      );
      await jax.blockUntilReady(results);
    },
    read: () => Promise.all(results.map((array) => array.ref.data())),
    async close() {
      drop();
      for (const array of [...arrays, seed]) array.dispose();
      call.dispose();
    },
  };
}

const TOLERANCE = 1e-4;
/** A sample repeats its call until it takes about this long. */
const SAMPLE_MS = 50;

/** Checks both libraries on each operation against float64, then times them in turns. */
export async function compareOps(
  ops: Readonly<Record<string, ComparedOp>>,
  rounds: Rounds,
): Promise<Record<string, OpComparison>> {
  const device = await openDevice();
  await openJax();
  const found: Record<string, OpComparison> = {};
  for (const [name, op] of Object.entries(ops)) {
    say(name);
    const random = new Random(1, "init", 7);
    const sizeOf = (shape: number[]) => shape.reduce((size, n) => size * n, 1);
    const inputs = op.shapes.map((shape) => random.fillNormal(new Float32Array(sizeOf(shape))));
    const dy = random.fillNormal(new Float32Array(sizeOf(op.output)));
    const expected = op.reference(inputs, dy);
    const runners: Both<Runner> = {
      partwise: await partwiseRunner(device, op, inputs, dy),
      "jax-js": jaxRunner(op, inputs, dy),
    };
    const error: Both<number> = { partwise: 0, "jax-js": 0 };
    const subjects = [];
    for (const library of ["partwise", "jax-js"] as const) {
      const runner = runners[library];
      await runner.run();
      const results = await runner.read();
      error[library] = Math.max(...expected.map((values, i) => relativeError(results[i]!, values)));
      if (!(error[library] <= TOLERANCE)) {
        throw new Error(
          `peers: ${library} ${name} must be within ${TOLERANCE} of float64; got ${error[library]}`,
        );
      }
      const run = async (count: number) => {
        for (let i = 0; i < count; i++) await runner.run();
      };
      const calls = await callsFor(SAMPLE_MS, 200, () => run(1));
      subjects.push({ name: library, calls, run: () => run(calls) });
    }
    const times = await timeInTurns(subjects, rounds);
    for (const runner of Object.values(runners)) await runner.close();
    const spread = Object.fromEntries(times) as Both<Summary>;
    const medianMs = { partwise: spread.partwise.median, "jax-js": spread["jax-js"].median };
    found[name] = { medianMs, spreadMs: spread, ratio: medianMs["jax-js"] / medianMs.partwise, error };
  }
  return found;
}
