import { describe, expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { stopGradient } from "../../../src/engine/graph/op.ts";
import { recompute } from "../../../src/engine/graph/recompute.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { batchNorm } from "../../../src/engine/ops/batchNorm.ts";
import { dropout } from "../../../src/engine/ops/dropout.ts";
import { add, exp, gelu, mul, scale, square } from "../../../src/engine/ops/elementwise.ts";
import { layerNorm } from "../../../src/engine/ops/layerNorm.ts";
import { linear } from "../../../src/engine/ops/linear.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { Random } from "../../../src/engine/random.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const [ROWS, WIDTH] = [3, 8];

const drawn = (shape: number[], seed: number): Tensor => {
  const size = shape.reduce((product, n) => product * n, 1);
  return Tensor.from(on.device, new Random(seed, "test").fillNormal(new Float32Array(size)), shape);
};
const bitsOf = async (tensors: readonly Tensor[]) =>
  Promise.all(tensors.map(async (tensor) => new Uint32Array((await tensor.read()).buffer)));

/** What runs a piece: `recompute`, or the piece itself. */
type Runner = typeof recompute;
const plainly: Runner = (piece, ...inputs) => piece(...inputs);

interface Leaves {
  x: Tensor;
  weight: Tensor;
  bias: Tensor;
  step: Tensor;
}

const leaves = (): Leaves => ({
  x: drawn([ROWS, WIDTH], 1),
  weight: drawn([WIDTH, WIDTH], 2),
  bias: drawn([WIDTH], 3),
  step: Tensor.from(on.device, [5], [], "u32"),
});

/** x + dropout(gelu(norm(x) W + b)), used thrice: a residual block with random numbers. */
function residual({ weight, bias, step }: Leaves, x: Tensor, site: number): Tensor {
  const hidden = gelu(linear(layerNorm(x), weight, bias));
  return add(x, dropout(hidden, 0.4, { seed: 9, step, site }));
}

/** Losses of several shapes of graph; each must have the same gradients whatever runs its pieces. */
const graphs: Record<string, (run: Runner, all: Leaves) => Tensor> = {
  "three blocks with dropout that share their weights": (run, all) => {
    let x = all.x;
    for (let site = 0; site < 3; site++) x = run((input) => residual(all, input, site), x);
    return sum(square(x));
  },
  "an input that is also used outside": (run, all) => {
    const y = run((x) => residual(all, square(x), 0), all.x);
    return add(sum(mul(y, all.x)), sum(exp(scale(all.x, 0.1))));
  },
  "tensors from outside that have a history": (run, all) => {
    const outer = square(all.weight);
    const y = run((x) => linear(mul(x, x), outer, all.bias), scale(all.x, 2));
    return add(sum(square(y)), sum(outer));
  },
  "a record of outputs, one made from the other": (run, all) => {
    const { a, b } = run((x) => {
      const first = linear(x, all.weight, all.bias);
      return { a: first, b: mul(gelu(first), x) };
    }, all.x);
    return add(sum(mul(a, b)), sum(square(b)));
  },
  "outputs of different shapes, both used twice": (run, all) => {
    const { y, total, first } = run((x) => {
      const hidden = gelu(linear(x, all.weight, all.bias));
      return { y: hidden, total: sum(square(hidden), 1), first: sum(mul(hidden, x)) };
    }, all.x);
    return add(add(sum(exp(scale(total, 0.1))), mul(first, first)), add(sum(mul(y, all.x)), sum(mul(y, y))));
  },
  "outputs in nested records and arrays": (run, all) => {
    const { a, list } = run(
      (x) => ({ a: { b: square(x) }, list: [exp(x), { c: mul(x, x) }] as const }),
      all.x,
    );
    return sum(add(mul(a.b, list[0]), list[1].c));
  },
  "two outputs, the later of which alone is used, and then the earlier": (run, all) => {
    const [early, late] = run((x) => [mul(x, x), exp(scale(x, 0.1))] as const, all.x);
    return sum(mul(scale(late, 3), mul(early, early)));
  },
  "an array of outputs, of which one is unused and one an input": (run, all) => {
    const [a, , same] = run((x) => [square(x), exp(x), x] as const, all.x);
    return sum(mul(a, same));
  },
  "a stopped gradient inside and an output with none": (run, all) => {
    const [y, stopped] = run((x) => [mul(x, stopGradient(square(x))), stopGradient(exp(x))] as const, all.x);
    return sum(mul(y, stopped));
  },
  "a piece inside a piece": (run, all) =>
    sum(square(run((x) => run((inner) => residual(all, inner, 1), residual(all, x, 0)), all.x))),
};

describe.each(Object.entries(graphs))("%s", (_, lossOf) => {
  const wanted = ({ x, weight, bias }: Leaves) => [x, weight, bias];

  test("has the gradients of the plain graph to the bit", async () => {
    const all = leaves();
    const expected = await bitsOf(grad(lossOf(plainly, all), wanted(all)));
    const loss = lossOf(recompute, all);
    expect(await bitsOf(grad(loss, wanted(all)))).toEqual(expected);
    expect(await bitsOf(grad(loss, wanted(all))), "a second time").toEqual(expected);
    expect(new Float32Array(expected[0]!.buffer).some((value) => value !== 0)).toBe(true);
  });

  test("writes them into a flat buffer, captured", async () => {
    const all = leaves();
    const gradients = async (run: Runner) => {
      const flat = Tensor.from(on.device, new Float32Array(256).fill(99), [256]);
      const into = wanted(all).map((leaf, i) => flat.alias(leaf.shape, [0, 256, 512][i]));
      const step = await compile(on.device, () => {
        grad(lossOf(run, all), wanted(all), { into });
        return {};
      });
      step.run();
      const found = await bitsOf(into);
      await step.dispose();
      return found;
    };
    expect(await gradients(recompute)).toEqual(await gradients(plainly));
  });
});

test("captured, the forward of the pieces runs twice and less is alive at once", async () => {
  const x = drawn([64, 64], 1);
  const steps = await Promise.all(
    [plainly, recompute].map(async (run) => {
      const forward = await compile(on.device, () => ({ y: chain(run, x) }), { fuse: false });
      const step = await compile(on.device, () => ({ dx: grad(sum(chain(run, x)), [x])[0]! }), {
        fuse: false,
      });
      return { forward: forward.dispatches, ...{ dispatches: step.dispatches, memory: step.memory } };
    }),
  );
  const [plain, saving] = steps as [(typeof steps)[0], (typeof steps)[0]];
  expect(saving.forward).toBe(plain.forward);
  expect(saving.dispatches).toBe(plain.dispatches + plain.forward);
  expect(saving.memory.lowerBound).toBeLessThan(0.6 * plain.memory.lowerBound);
});

test("a piece with two outputs costs its forward once more and nothing else", async () => {
  const x = drawn([4, 4], 1);
  const lossOf = (run: Runner) => {
    const [a, b] = run((input) => [exp(input), square(input)] as const, x);
    return sum(mul(a, b));
  };
  const dispatches = async (run: Runner) => {
    const step = await compile(on.device, () => grad(lossOf(run), [x]), { fuse: false });
    await step.dispose();
    return step.dispatches;
  };
  expect(await dispatches(recompute)).toBe((await dispatches(plainly)) + 2);
});

test("gradients of one output after those of both have nothing of the first time", async () => {
  const x = drawn([4, 4], 1);
  const gradients = (run: Runner) => {
    const [a, b] = run((input) => [exp(input), square(input)] as const, x);
    return bitsOf([sum(mul(a, b)), sum(b), sum(a), sum(mul(b, a))].map((loss) => grad(loss, [x])[0]!));
  };
  expect(await gradients(recompute)).toEqual(await gradients(plainly));
});

/** Six pieces of four ops. */
function chain(run: Runner, x: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < 6; i++) y = run((input) => square(exp(scale(gelu(input), 0.1))), y);
  return y;
}

test("uncaptured, the tensors of a piece give their memory back at once", () => {
  const x = drawn([1000, 1000], 1);
  const held = on.device.counters.bytesHeld;
  const y = on.device.tidy(() => chain(recompute, x));
  expect(on.device.counters.bytesHeld - held).toBeLessThan(11 * x.bytes); // six outputs and at most four inside
  y.dispose();
});

test("a piece that does something else the second time is refused", () => {
  const x = drawn([2, 4], 1);
  let runs = 0;
  const y = recompute((input) => (runs++ === 0 ? square(input) : sum(input, 1)), x);
  expect(() => grad(sum(y), [x])).toThrow(
    "recompute: the piece must do the same when it runs again; got an output of shape [2,4] and then [2]",
  );
});

test("batch norm moves its running statistics once, and the gradients are those of the plain graph", async () => {
  const results = [];
  for (const run of [plainly, recompute] as Runner[]) {
    const [x, weight] = [drawn([6, WIDTH], 1), drawn([WIDTH, WIDTH], 2)];
    const runningMean = Tensor.zeros(on.device, [WIDTH]);
    const runningVar = Tensor.from(on.device, new Float32Array(WIDTH).fill(1), [WIDTH]);
    const record = () => {
      const piece = (input: Tensor) =>
        batchNorm(linear(input, weight), { runningMean, runningVar, training: true });
      const inner: typeof piece = (input) => run(piece, input);
      const y = run((input) => square(inner(input)), x);
      return grad(sum(mul(y, y)), [x, weight]);
    };
    const gradients = await bitsOf(record());
    const statistics = await bitsOf([runningMean, runningVar]);
    const step = await compile(on.device, record);
    step.run();
    results.push([gradients, statistics, await bitsOf([runningMean, runningVar])]);
    await step.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});
