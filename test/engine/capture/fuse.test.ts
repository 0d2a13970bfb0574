import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CompileOptions, compile, type Outputs } from "../../../src/engine/capture/compile.ts";
import { Device } from "../../../src/engine/gpu/device.ts";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { accumulate, fill } from "../../../src/engine/graph/fill.ts";
import { type Shape, sizeOf, Tensor } from "../../../src/engine/graph/tensor.ts";
import { cast } from "../../../src/engine/ops/cast.ts";
import * as ops from "../../../src/engine/ops/elementwise.ts";
import { expand } from "../../../src/engine/ops/expand.ts";
import { smoothL1 } from "../../../src/engine/ops/loss.ts";
import { mean } from "../../../src/engine/ops/mean.ts";
import { permute } from "../../../src/engine/ops/permute.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { where } from "../../../src/engine/ops/where.ts";
import { testRandom } from "../../array64.ts";
import { testGpu } from "../../gpu.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const { abs, add, div, exp, log, maximum, mul, scale, sqrt, square, sub, tanh } = ops;
const constant = (like: Tensor, value: number) => fill(like.device, [], value);

/** Deterministic values in [-2, 2). */
function random(shape: Shape, seed = 1, device = on.device): Tensor {
  const next = testRandom(seed);
  return Tensor.from(
    device,
    Array.from({ length: sizeOf(shape) }, () => 4 * next() - 2),
    shape,
  );
}

const bitsOf = async (tensors: Outputs): Promise<Record<string, Uint32Array>> => {
  const entries = Object.entries(tensors).map(
    async ([name, tensor]) => [name, new Uint32Array((await tensor.read()).buffer)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
};

/** Runs a step captured; what it gave, how many dispatches it had and how much memory it needed. */
async function captured(step: () => Outputs, options?: CompileOptions, device = on.device) {
  const compiled = await compile(device, step, options);
  const bits = await bitsOf(compiled.run());
  const { dispatches, memory } = compiled;
  await compiled.dispose();
  return { bits, dispatches, bytes: memory.bytes };
}

/** Fused, captured without fusion and uncaptured: all must give the same bits. */
async function expectSameBits(step: () => Outputs, device = on.device) {
  const expected = await bitsOf(device.tidy(step));
  const plain = await captured(step, { fuse: false }, device);
  const fused = await captured(step, {}, device);
  expect(plain.bits).toEqual(expected);
  expect(fused.bits).toEqual(expected);
  expect(fused.bytes).toBeLessThanOrEqual(plain.bytes);
  return { plain: plain.dispatches, fused: fused.dispatches };
}

describe("random chains", () => {
  /** Links from two earlier values. None leaves the range of f32, whatever arrives from the others. */
  const links: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
    add,
    sub,
    mul: (a, b) => mul(tanh(a), b),
    div: (a, b) => div(a, add(square(tanh(b)), constant(b, 0.5))),
    maximum,
    neg: ops.neg,
    tanh,
    sigmoid: ops.sigmoid,
    relu: ops.relu,
    gelu: ops.gelu,
    geluTanh: ops.geluTanh,
    erf: ops.erf,
    square: (a) => square(tanh(a)),
    "1 / (1 + |a|)": (a) => ops.reciprocal(add(abs(a), constant(a, 1))),
    "1 / sqrt(a² + 0.1)": (a) => ops.rsqrt(add(square(tanh(a)), constant(a, 0.1))),
    "log of exp": (a) => log(exp(tanh(a))),
    "square of a root": (a) => square(sqrt(abs(a))),
    "a product and a sum": (a, b) => add(mul(a, tanh(b)), a),
    "two constants": (a) => scale(scale(a, 1 / 3), 3),
    "sum and difference": (a, b) => sub(add(a, b), b),
    "choice by sign bit and value": (a, b) => where(ops.relu(b), a, constant(a, 0.25)),
    "whole part": (a, b) => add(b, cast(cast(scale(tanh(a), 9), "i32"), "f32")),
    "choice by whole part": (a, b) => where(cast(scale(abs(tanh(a)), 3), "u32"), a, b),
    "mean along an axis": (a, b) => add(expand(mean(a, -1, true), a.shape), b),
  };
  const link = fc.record({
    name: fc.constantFrom(...Object.keys(links)),
    // How many values back: near ones make chains, far ones branches and inputs that broadcast.
    a: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(11) }),
    b: fc.nat(6),
  });
  const chain = fc.record({
    shape: fc.constantFrom([8, 8], [3, 4], [5, 7], [3, 2, 6], [1], [130, 4]),
    chosen: fc.array(link, { minLength: 2, maxLength: 8 }),
    seed: fc.nat(),
  });
  type Chain = typeof chain extends fc.Arbitrary<infer C> ? C : never;

  /** Of the whole shape, along its last axis, along its first, and a scalar. */
  const inputsOf = ({ shape, seed }: Chain): Tensor[] =>
    [shape, shape.slice(-1), shape.map((n, i) => (i === 0 ? n : 1)), []].map((s, i) => random(s, seed + i));

  /** The last value and the gradients of all inputs. */
  function evaluate({ shape, chosen }: Chain, inputs: readonly Tensor[]): Outputs {
    const values = [...inputs];
    for (const { name, a, b } of chosen) {
      const back = (k: number) => values.at(-1 - Math.min(k, values.length - 1))!;
      values.push(links[name]!(expand(back(a), shape), back(b)));
    }
    const y = values.at(-1)!;
    const gradients = grad(mean(mul(y, y)), inputs);
    return { y, ...Object.fromEntries(gradients.map((g, i) => [`gradient ${i}`, g])) };
  }

  test("have the bits of the unfused and of the uncaptured, values and gradients", async () => {
    let [plain, fused] = [0, 0];
    const check = async (made: Chain) => {
      const inputs = inputsOf(made);
      const counts = await expectSameBits(() => evaluate(made, inputs));
      plain += counts.plain;
      fused += counts.fused;
    };
    await fc.assert(fc.asyncProperty(chain, check), { seed: 2311, numRuns: 25 });
    expect(fused).toBeLessThan(plain / 2);
  });
});

describe("fusion", () => {
  test("makes one dispatch of a diamond, and constants cost none", async () => {
    const x = random([8, 8]);
    const counts = await expectSameBits(() => {
      const root = sqrt(add(square(x), constant(x, 1)));
      return { y: div(sub(root, x), add(root, scale(x, 0.3))) };
    });
    expect(counts).toEqual({ plain: 9, fused: 1 });
  });

  test("makes 4 dispatches of the 29 of a smooth L1 loss and its gradient", async () => {
    const [a, b] = [random([16, 8], 1), random([16, 8], 2)];
    const counts = await expectSameBits(() => {
      const loss = smoothL1(a, b, 0.5);
      return { loss, gradient: grad(loss, [a])[0]! };
    });
    expect(counts).toEqual({ plain: 29, fused: 4 });
  });

  test("can be turned off", async () => {
    const x = random([12]);
    const step = () => ({ y: exp(tanh(x)) });
    expect(await captured(step, { fuse: false })).toMatchObject({ dispatches: 2 });
    expect(await captured(step)).toMatchObject({ dispatches: 1 });
  });

  test("reads again at every run what comes from outside", async () => {
    const [x, rate] = [random([4, 4]), random([])];
    const step = await compile(on.device, () => ({ y: add(mul(x, rate), constant(x, 1)) }));
    expect(step.dispatches).toBe(1);
    for (const value of [0.5, -3]) {
      rate.write([value]);
      x.write(Array.from({ length: 16 }, (_, i) => i + value));
      const expected = Array.from({ length: 16 }, (_, i) => (i + value) * value + 1);
      expect([...(await step.run().y.read())]).toEqual(expected);
    }
    await step.dispose();
  });

  test("stores what is used elsewhere: returned, reduced, or read at other places", async () => {
    const x = random([8, 64]);
    const counts = await expectSameBits(() => {
      const early = tanh(x);
      const total = sum(early, 0);
      const y = exp(early);
      const rows = expand(early.alias([1, 64], 256), [8, 64]); // some of it, at every position
      return { early, total, y, z: mul(rows, y) };
    });
    expect(counts).toEqual({ plain: 5, fused: 3 });
  });

  test("keeps the order of reads and writes in place", async () => {
    const start = random([8, 8]);
    const step = (options: CompileOptions | null) => async () => {
      const x = Tensor.from(on.device, await start.read(), [8, 8]);
      const record = () => {
        const before = square(x);
        accumulate(x, before); // x changes between two reads
        const after = square(x);
        const flat = sum(x, 0);
        accumulate(x, expand(flat, [8, 8]));
        return { y: sub(after, before), z: exp(tanh(x)), x };
      };
      if (!options) return bitsOf(on.device.tidy(record));
      return (await captured(record, options)).bits;
    };
    const expected = await step(null)();
    expect(await step({ fuse: false })()).toEqual(expected);
    expect(await step({})()).toEqual(expected);
  });

  describe("an op is not moved past", () => {
    const four = (value: number) => Tensor.from(on.device, [value, value, value, value], [4]);
    /** What a step leaves in w, and what it returned, each as its first value. */
    const left = async (w: Tensor, step: () => Record<string, Tensor>) => {
      const compiled = await compile(on.device, step);
      const outputs = Object.values(compiled.run());
      const values = await Promise.all([w, ...outputs].map(async (tensor) => (await tensor.read())[0]));
      await compiled.dispose();
      return values;
    };

    test("a write of what it reads", async () => {
      const [x, z, w] = [four(3), four(11), four(15)];
      const step = () => {
        const t = square(x);
        on.device.copy(z, w);
        return { y: add(t, w) };
      };
      expect(await left(w, step)).toEqual([11, 20]); // 24 by the old w
    });

    test("an elementwise write of what it reads", async () => {
      const [x, z, w] = [four(3), Tensor.from(on.device, [11], []), four(15)];
      const step = () => {
        const t = square(x);
        accumulate(z, z); // of another size, so that it joins nothing
        return { y: add(t, expand(z, [4])) };
      };
      expect(await left(w, step)).toEqual([15, 31]);
    });

    test("a write of what it writes", async () => {
      const [x, one, w] = [four(3), four(1), four(0)];
      const step = () => {
        const t = square(x);
        accumulate(one, one, w);
        accumulate(t, one, w);
        return {};
      };
      expect(await left(w, step)).toEqual([10]);
    });

    test("a read of what it writes", async () => {
      const [x, one, w] = [four(3), four(1), four(5)];
      const step = () => {
        const t = square(x);
        const before = square(w);
        accumulate(t, one, w);
        return { before };
      };
      expect(await left(w, step)).toEqual([10, 25]);
    });
  });

  test("stays within the storage buffers that a device lets a kernel bind", async () => {
    const adapter = await testGpu().requestAdapter();
    const gpu = await adapter!.requestDevice();
    expect(gpu.limits.maxStorageBuffersPerShaderStage).toBeLessThan(13);
    const device = await Device.open(gpu);
    const inputs = Array.from({ length: 24 }, (_, i) => random([16], i, device));
    const step = () => ({ y: inputs.reduce((total, x) => add(tanh(total), x)) });
    const { plain, fused } = await expectSameBits(step, device);
    await device.finish();
    gpu.destroy();
    expect(plain).toBe(46);
    expect(fused).toBeGreaterThan(1);
    expect(fused).toBeLessThan(6);
  });

  test("is left where it would need more memory", async () => {
    const [a, b] = [random([32, 64], 1), random([32, 64], 2)];
    const counts = await expectSameBits(() => {
      const product = mul(permute(a, [1, 0]), permute(b, [1, 0])); // their memory is free from here on
      return { product, y: exp(product) };
    });
    expect(counts).toEqual({ plain: 4, fused: 4 });
  });

  test("leaves dispatches of different sizes apart", async () => {
    const [row, x] = [random([8]), random([4, 8])];
    expect(await expectSameBits(() => ({ y: mul(exp(tanh(row)), tanh(x)) }))).toEqual({ plain: 4, fused: 2 });
  });
});
