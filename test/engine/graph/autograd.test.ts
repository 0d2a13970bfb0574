import { describe, expect, test } from "vitest";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { defineOp, stopGradient } from "../../../src/engine/graph/op.ts";
import { FLOAT } from "../../../src/engine/graph/takes.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { attention } from "../../../src/engine/ops/attention.ts";
import { concat } from "../../../src/engine/ops/concat.ts";
import { add, exp, mul, scale, square } from "../../../src/engine/ops/elementwise.ts";
import { linear } from "../../../src/engine/ops/linear.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { reshape } from "../../../src/engine/ops/reshape.ts";
import { slice } from "../../../src/engine/ops/slice.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { inNodeAlone } from "../../inNodeAlone.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const vector = (...values: number[]) => Tensor.from(on.device, values, [values.length]);
const read = async (x: Tensor | undefined) => [...(await x!.read())];

/** Views of one flat buffer, as a model's gradients are, filled with what must not remain. */
function places(...shapes: number[][]): Tensor[] {
  const flat = Tensor.from(on.device, new Float32Array(64 * shapes.length).fill(99), [64 * shapes.length]);
  return shapes.map((shape, i) => flat.alias(shape, 256 * i));
}

describe("a tensor used several times", () => {
  test("in one op", async () => {
    const x = vector(1, -2, 3);
    expect(await read(grad(sum(mul(x, x)), [x])[0])).toEqual([2, -4, 6]);
    expect(await read(grad(sum(add(x, x)), [x])[0])).toEqual([2, 2, 2]);
  });

  test("in a diamond: the gradient waits for both branches", async () => {
    const x = vector(1, 2);
    const top = square(x); // 2x
    const left = scale(top, 3);
    const right = square(top); // 2x²
    const [dx, dtop] = grad(sum(mul(left, right)), [x, top]); // 3 x⁶
    expect(await read(dtop)).toEqual([9, 9 * 16]); // 9 top²
    expect(await read(dx)).toEqual([18, 18 * 32]);
  });

  test("in branches of different depth", async () => {
    const x = vector(2);
    let y = x;
    for (let i = 0; i < 5; i++) y = scale(y, 2);
    expect(await read(grad(sum(add(add(y, x), square(x))), [x])[0])).toEqual([32 + 1 + 4]);
  });

  test("through a reshape and directly", async () => {
    const x = vector(1, 2, 3, 4);
    const matrix = reshape(x, [2, 2]);
    const y = add(sum(square(matrix)), sum(mul(x, vector(10, 20, 30, 40))));
    expect(await read(grad(y, [x])[0])).toEqual([12, 24, 36, 48]);
    expect(await read(grad(add(sum(matrix), sum(square(matrix))), [matrix])[0])).toEqual([3, 5, 7, 9]);
  });
});

// The graph is walked by the same JavaScript engine in both; Chromium hands every op to another process.
inNodeAlone(() => {
  test("a chain of 5000 ops needs no call stack", async () => {
    const x = vector(1, 2);
    const one = vector(1, 0.5);
    let y = x;
    for (let i = 0; i < 5000; i++) y = add(y, one);
    const [dx, done] = grad(sum(y), [x, one]);
    expect(await read(y)).toEqual([5001, 2502]);
    expect(await read(dx)).toEqual([1, 1]);
    expect(await read(done)).toEqual([5000, 5000]);
  });
});

describe("stopGradient", () => {
  test("ends one path and leaves the others", async () => {
    const x = vector(3, 5);
    const y = sum(mul(x, stopGradient(square(x)))); // x · 9, x · 25
    expect(await read(y)).toEqual([27 + 125]);
    expect(await read(grad(y, [x])[0])).toEqual([9, 25]);
  });

  test("behind it everything has gradient 0", async () => {
    const x = vector(3, 5);
    expect(await read(grad(sum(stopGradient(square(x))), [x])[0])).toEqual([0, 0]);
  });

  test("the work behind it is not done", () => {
    const x = vector(3, 5);
    const y = sum(mul(x, stopGradient(exp(exp(exp(x))))));
    const before = on.device.counters.dispatches;
    grad(y, [x]);
    const stopped = on.device.counters.dispatches - before;
    grad(sum(mul(x, exp(exp(exp(x))))), [x]);
    expect(stopped).toBeLessThan(on.device.counters.dispatches - before - stopped);
  });
});

describe("gradients written into a flat buffer", () => {
  const values = [1, 2, 3, 4];
  const matrix = () => Tensor.from(on.device, values, [2, 2]);

  test("each into its view, old contents gone", async () => {
    const [a, b, unused] = [matrix(), matrix(), vector(7)];
    const into = places([2, 2], [2, 2], [1]);
    expect(grad(sum(matmul(a, b)), [a, b, unused], { into })).toEqual(into);
    expect(await read(into[0])).toEqual([3, 7, 3, 7]);
    expect(await read(into[1])).toEqual([4, 4, 6, 6]);
    expect(await read(into[2])).toEqual([0]);
  });

  const twice: [string, (a: Tensor, b: Tensor) => Tensor][] = [
    ["mul", mul],
    ["matmul", matmul],
    ["matmul, one transposed", (a, b) => matmul(a, b, { transposeB: true })],
    ["linear, as input and weight", (a, b) => linear(a, b, vector(1, 2))],
    ["concat", (a, b) => square(concat([a, b], 0))],
    ["two ops", (a, b) => matmul(square(a), b)],
    [
      "three ops",
      (a, b) => add(matmul(a, matrix()), add(matmul(matrix(), b), slice(concat([a, b], 1), 1, 1, 3))),
    ],
    ["reshape", (a, b) => mul(reshape(a, [4, 1]), reshape(b, [1, 4]))],
  ];
  test.each(twice)("a parameter used twice: %s", async (_, op) => {
    const [w, a, b] = [matrix(), matrix(), matrix()];
    const [da, db] = grad(sum(op(a, b)), [a, b]);
    const expected = await read(add(da!, db!));
    expect(await read(grad(sum(op(w, w)), [w])[0])).toEqual(expected);
    const into = places([2, 2]);
    grad(sum(op(w, w)), [w], { into });
    expect(await read(into[0])).toEqual(expected);
  });

  test("a parameter that is query, key and value", async () => {
    const shape = [1, 2, 8];
    const values16 = Array.from({ length: 16 }, (_, i) => (i % 5) - 1.5);
    const copies = [0, 1, 2, 3].map(() => Tensor.from(on.device, values16, shape));
    const [x, q, k, v] = copies as [Tensor, Tensor, Tensor, Tensor];
    const [dq, dk, dv] = grad(sum(square(attention(q, k, v, 1))), [q, k, v]);
    const into = places(shape);
    grad(sum(square(attention(x, x, x, 1))), [x], { into });
    expect(await read(into[0])).toEqual(await read(add(add(dq!, dk!), dv!)));
  });
});

describe("what does not fit is refused", () => {
  const x = () => vector(1, 2, 3, 4, 5, 6, 7, 8);

  test("a seed of another shape or dtype", () => {
    const rule = "grad: the seed must be f32 [8], as the tensor is; got";
    const by = (seed: Tensor) => () => grad(square(x()), [x()], { seed });
    expect(by(vector(1))).toThrow(`${rule} f32 [1]`);
    expect(by(Tensor.zeros(on.device, [2, 4]))).toThrow(`${rule} f32 [2,4]`);
    expect(by(Tensor.zeros(on.device, [8], "i32"))).toThrow(`${rule} i32 [8]`);
  });

  test("places of another number, shape or dtype, or with memory in common", () => {
    const [a, b] = [vector(1, 2), vector(3, 4)];
    const by =
      (...into: Tensor[]) =>
      () =>
        grad(sum(mul(a, b)), [a, b], { into });
    const [place, other] = places([2], [2]) as [Tensor, Tensor];
    expect(by(place)).toThrow("grad: into needs a tensor for each of the 2 in wrt; got 1");
    expect(by(place, vector(1, 2, 3))).toThrow(
      "grad: into[1] must be f32 [2], as the tensor is; got f32 [3]",
    );
    expect(by(place, Tensor.zeros(on.device, [2], "u32"))).toThrow("got u32 [2]");
    expect(by(place, place.alias([2]))).toThrow(
      "grad: into[1] must have memory of its own; got that of into[0]",
    );
    expect(by(place, other)()).toEqual([place, other]);
  });

  test("integers", () => {
    const whole = Tensor.from(on.device, [1, 2], [2], "i32");
    expect(() => grad(sum(vector(1)), [whole])).toThrow(
      "grad: the loss and what it is differentiated by must be f32",
    );
    expect(() => grad(Tensor.from(on.device, [1], [], "u32"), [])).toThrow("must be f32; got u32");
  });

  const returns = (backward: (dy: Tensor) => (Tensor | null)[]) =>
    defineOp<[Tensor]>({
      name: "mine",
      takes: { from: FLOAT },
      shape: ([shape]) => shape,
      forward: ({ device, inputs: [from], output }) => device.copy(from, output),
      backward: (_, dy) => backward(dy),
    });
  test.each<[string, (dy: Tensor) => (Tensor | null)[], string]>([
    [
      "of another shape",
      () => [vector(1)],
      "mine: backward's gradient of input 0 must be f32 [8], as the tensor is; got f32 [1]",
    ],
    ["of another dtype", (dy) => [dy.alias([8], 0, "u32")], "must be f32 [8], as the tensor is; got u32 [8]"],
    ["too few", () => [], "mine: backward must return a gradient or null for each of 1 inputs; got 0"],
    [
      "too many",
      (dy) => [dy, dy],
      "mine: backward must return a gradient or null for each of 1 inputs; got 2",
    ],
  ])("gradients from an op's backward: %s", (_, backward, rule) => {
    const from = x();
    expect(() => grad(sum(returns(backward)([from], undefined)), [from])).toThrow(rule);
  });

  test("but a null for an input that is not there is no gradient", async () => {
    const from = x();
    const [dx] = grad(sum(returns((dy) => [dy, null])([from], undefined)), [from]);
    expect(await read(dx)).toEqual(Array.from({ length: 8 }, () => 1));
  });
});

describe("what is asked for", () => {
  test("one tensor twice has its gradient in both places", async () => {
    const [a, b] = [vector(2, 3), vector(5, 7)];
    const into = places([2], [2], [2]);
    expect(grad(sum(mul(a, b)), [a, b, a], { into })).toEqual(into);
    expect(await Promise.all(into.map(read))).toEqual([
      [5, 7],
      [2, 3],
      [5, 7],
    ]);
    const [first, , again] = grad(sum(mul(a, b)), [a, b, a]);
    expect(await read(again)).toEqual(await read(first));
    const none = places([2], [2]);
    grad(sum(b), [a, a], { into: none });
    expect(await Promise.all(none.map(read))).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test("a gradient that is another's in a new shape comes into its own place", async () => {
    const x = vector(1, 2, 3, 4);
    const matrix = reshape(x, [2, 2]);
    const into = places([4], [2, 2]);
    grad(sum(matmul(matrix, Tensor.from(on.device, [1, 2, 3, 4], [2, 2]))), [x, matrix], { into });
    expect(await Promise.all(into.map(read))).toEqual([
      [3, 7, 3, 7],
      [3, 7, 3, 7],
    ]);
  });

  test("costs no work behind it", () => {
    const top = exp(exp(exp(vector(1, 2))));
    const before = on.device.counters.dispatches;
    grad(sum(top), [top]);
    expect(on.device.counters.dispatches - before).toBe(3); // the sum, ones and its gradient
  });

  test("gradients of several tensors come in the order asked", async () => {
    const [a, b] = [vector(2, 3), vector(5, 7)];
    const [db, da] = grad(sum(mul(a, b)), [b, a]);
    expect(await read(da)).toEqual([5, 7]);
    expect(await read(db)).toEqual([2, 3]);
  });

  test("a tensor the loss does not depend on has gradient 0", async () => {
    const [a, b] = [vector(2, 3), vector(5, 7)];
    expect(await read(grad(sum(a), [b])[0])).toEqual([0, 0]);
  });

  test("the loss itself has gradient 1", async () => {
    const loss = sum(vector(2, 3));
    expect(await read(grad(loss, [loss])[0])).toEqual([1]);
  });

  test("a loss of several values needs a seed, which is then multiplied in", async () => {
    const x = vector(1, 2, 3);
    expect(() => grad(square(x), [x])).toThrow(
      "grad: the loss must be a scalar unless a seed is given; got shape [3]",
    );
    expect(await read(grad(square(x), [x], { seed: vector(1, 10, 100) })[0])).toEqual([2, 40, 600]);
  });

  test("gradients can be taken twice from one graph", async () => {
    const x = vector(1, 2);
    const y = square(x);
    const first = grad(sum(y), [x]);
    const second = grad(sum(mul(y, y)), [x]);
    expect(await read(first[0])).toEqual([2, 4]);
    expect(await read(second[0])).toEqual([4, 32]);
  });
});

describe("a gradient that is returned", () => {
  const again = "grad: gradients of gradients are not computed. Use stopGradient to end them here";

  test("has no gradient, and says so where one is asked for", async () => {
    const [x, w] = [vector(2, 3), vector(5, 7)];
    const [dx] = grad(sum(square(x)), [x]);
    expect(() => grad(sum(square(dx!)), [x])).toThrow(again);
    expect(() => grad(sum(mul(w, dx!)), [w, x])).toThrow(again);
    expect(await read(grad(sum(mul(w, dx!)), [w])[0])).toEqual([4, 6]);
    expect(await read(grad(sum(mul(x, stopGradient(dx!))), [x])[0])).toEqual([4, 6]);
    const moved = add(x, scale(dx!, -0.5)); // a step of descent: a graph that goes on
    expect(await read(grad(sum(square(moved)), [moved])[0])).toEqual([0, 0]);
  });

  test("has memory of its own, which no other and no seed shares", async () => {
    const [a, b, seed] = [vector(2, 3), vector(5, 7), vector(1, 10)];
    const given = grad(add(a, b), [a, b], { seed });
    seed.dispose();
    given[0]!.dispose();
    expect(await read(given[1])).toEqual([1, 10]);
    const twice = grad(sum(mul(a, b)), [a, a]);
    twice[0]!.dispose();
    expect(await read(twice[1])).toEqual([5, 7]);
    const x = Tensor.from(on.device, [1, 2, 3, 4], [1, 1, 4]);
    const [q, k, v] = [add(x, x), add(x, x), add(x, x)];
    const [dq, dk, dv] = grad(sum(attention(q, k, v, 1)), [q, k, v]); // views of one tensor in there
    for (const gradient of [dq!, dk!]) gradient.dispose();
    expect(await read(dv)).toEqual([1, 1, 1, 1]);
  });
});

test("destinations in one flat buffer, one of them read while another is written", async () => {
  const [x, w, b] = [Tensor.from(on.device, [1, 2, 3, 4], [2, 2]), vector(1, 2, 3, 4), vector(5, 6)];
  const weight = reshape(w, [2, 2]);
  const h = linear(x, weight, b);
  const loss = sum(square(h));
  const wrt = [h, weight, b];
  const expected = await Promise.all(grad(loss, wrt).map(read));
  const into = places([2, 2], [2, 2], [2]);
  grad(loss, wrt, { into });
  expect(await Promise.all(into.map(read))).toEqual(expected);
});
