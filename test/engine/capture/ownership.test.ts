import { describe, expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { kernel } from "../../../src/engine/gpu/kernel.ts";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { accumulate, fill } from "../../../src/engine/graph/fill.ts";
import { stopGradient } from "../../../src/engine/graph/op.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { add, exp, mul, scale, square } from "../../../src/engine/ops/elementwise.ts";
import { reshape } from "../../../src/engine/ops/reshape.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const vector = (...values: number[]) => Tensor.from(on.device, values, [values.length]);
const read = async (x: Tensor) => [...(await x.read())];

describe("the outputs of a step", () => {
  test("keep their values in records and arrays of any depth", async () => {
    const x = vector(1, 2);
    const step = await compile(on.device, () => {
      const o = square(x);
      let z = exp(o);
      for (let i = 0; i < 6; i++) z = scale(exp(scale(reshape(z, [2, 1]), 0.01)), 0.5);
      return { a: { b: o }, list: [reshape(o, [2, 1]), { z }], none: null as never };
    });
    const { a, list } = step.run();
    expect(await read(a.b)).toEqual([1, 4]);
    expect(await read(list[0] as Tensor)).toEqual([1, 4]);
    await step.dispose();
  });

  test("may be one tensor, or one that nothing was written to", async () => {
    const x = vector(3);
    const single = await compile(on.device, () => square(x));
    expect(await single.run().item()).toBe(9);
    await single.dispose();
    const empty = await compile(on.device, () => ({ y: Tensor.empty(on.device, [4]) }));
    expect(await empty.run().y.read()).toHaveLength(4);
    await empty.dispose();
  });

  test("must not be hidden in something else", async () => {
    const x = vector(3);
    const hidden = async (step: () => unknown) => compile(on.device, step as () => Tensor);
    const rule = "compile: the function must return tensors, or arrays and plain records of them; got";
    await expect(hidden(() => new Map([["y", square(x)]]))).rejects.toThrow(`${rule} an instance of Map`);
    await expect(hidden(async () => square(x))).rejects.toThrow(`${rule} a promise. Wait for it outside`);
    await expect(hidden(() => ({ later: () => square(x) }))).rejects.toThrow(`${rule} a function`);
  });

  test("from outside keep the graph they have, those from inside lose theirs", async () => {
    const x = vector(3);
    const y = square(x);
    const step = await compile(on.device, () => ({ y, flat: reshape(y, [1]), z: square(y) }));
    const outputs = step.run();
    expect(await grad(sum(y), [x])[0]!.item()).toBe(6);
    expect(outputs.flat.origin).toBeNull();
    expect(outputs.z.origin).toBeNull();
    await step.dispose();
  });
});

describe("a tensor from outside that was disposed", () => {
  const rule = "CompiledStep.run: every tensor from outside that the step works on must be alive";

  test("is not read from memory that a stranger has by now", async () => {
    const x = Tensor.from(on.device, [2], [1]);
    const step = await compile(on.device, () => ({ y: square(x) }));
    x.dispose();
    const stranger = Tensor.from(on.device, [9], [1]);
    expect(stranger.storage.buffer).not.toBeNull();
    expect(() => step.run()).toThrow(rule);
    await expect(step.timeDispatches()).rejects.toThrow("CompiledStep.timeDispatches: every tensor");
    await step.dispose();
  });

  test("is not written to", async () => {
    const [total, one] = [vector(0), vector(1)];
    const step = await compile(on.device, () => {
      accumulate(total, one);
      return {};
    });
    step.run();
    expect(await total.item()).toBe(1);
    total.dispose();
    const stranger = vector(5);
    expect(() => step.run()).toThrow(rule);
    expect(await stranger.item()).toBe(5);
    await step.dispose();
  });

  test("is noticed whichever way it went: with a tidy, an alias, another step, before or during the capture", async () => {
    const x = on.device.tidy(() => vector(2, 3));
    const step = await compile(on.device, () => ({ y: square(x) }));
    const after = await compile(on.device, () => ({ z: square(step.outputs.y) }));
    step.run();
    expect(await read(after.run().z)).toEqual([16, 81]);
    await step.dispose();
    expect(() => after.run()).toThrow(rule);
    await after.dispose();

    x.alias([1]).dispose();
    await expect(compile(on.device, () => ({ y: square(x) }))).rejects.toThrow(
      "square: every tensor must still have its memory; got one that was disposed",
    );
    const late = vector(2);
    const disposing = compile(on.device, () => {
      const y = square(late);
      late.dispose();
      return { y };
    });
    await expect(disposing).rejects.toThrow("got one that was disposed");
  });
});

describe("a step that was disposed", () => {
  test("does not run, and its outputs are gone", async () => {
    const x = vector(2);
    const step = await compile(on.device, () => ({ y: square(x) }));
    const { y } = step.run();
    const disposing = step.dispose();
    expect(() => step.run()).toThrow("CompiledStep.run: the step must be alive; it was disposed");
    expect(() => square(y)).toThrow("square: every tensor must still have its memory");
    await disposing;
    await expect(y.read()).rejects.toThrow("Tensor.read: every tensor must still have its memory");
    const held = on.device.counters.bytesHeld;
    await step.dispose();
    expect(on.device.counters.bytesHeld).toBe(held);
  });

  test("gives back everything, with the tensors that its function filled", async () => {
    const x = vector(2);
    const held = async () => {
      await on.device.finish();
      await on.device.allocator.trim();
      return on.device.counters.bytesHeld;
    };
    const start = await held();
    for (let i = 0; i < 3; i++) {
      let table: Tensor | undefined;
      const step = await compile(on.device, () => {
        table = Tensor.from(on.device, new Float32Array(2 ** 20).fill(i), [2 ** 20]);
        return { y: mul(x, sum(table)) };
      });
      expect(await step.run().y.item()).toBe(2 * i * 2 ** 20);
      await step.dispose();
      expect(() => square(table!)).toThrow("got one that was disposed");
    }
    expect(await held()).toBeLessThanOrEqual(start);
  });

  test("gives it back, too, when it could not be made", async () => {
    await on.device.allocator.trim();
    const start = on.device.counters.bytesHeld;
    const failing = compile(on.device, () => {
      const table = Tensor.from(on.device, new Float32Array(2 ** 20), [2 ** 20]);
      sum(table);
      throw new Error("stop");
    });
    await expect(failing).rejects.toThrow("stop");
    const gone = vector(2);
    const disposing = compile(on.device, () => {
      const y = add(gone, sum(Tensor.from(on.device, new Float32Array(2 ** 20), [2 ** 20])));
      gone.dispose();
      return y;
    });
    await expect(disposing).rejects.toThrow("disposed");
    await on.device.allocator.trim();
    expect(on.device.counters.bytesHeld).toBeLessThanOrEqual(start);
  });
});

test("a step runs after what was recorded before it", async () => {
  const x = vector(2);
  const step = await compile(on.device, () => ({ y: square(x) }));
  on.device.copy(vector(5), x);
  expect(await step.run().y.item()).toBe(25);
  on.device.clear(x);
  step.run();
  on.device.copy(vector(7), x);
  expect(await step.outputs.y.item()).toBe(0);
  await step.dispose();
});

test("nothing is created for a run, however its outputs nest", async () => {
  const x = vector(2);
  const step = await compile(on.device, () => ({
    a: [square(x)],
    b: stopGradient(x),
    c: fill(on.device, [3], 1),
  }));
  step.run();
  const before = { ...on.device.counters };
  step.run();
  const { dispatches } = step;
  expect(on.device.counters).toEqual({
    ...before,
    submits: before.submits + 1,
    dispatches: before.dispatches + dispatches,
  });
  await step.dispose();
});

test("a kernel that does not compile takes nothing with it", async () => {
  const { Device } = await import("../../../src/engine/gpu/device.ts");
  const device = await Device.open(on.device.source as GPU);
  const held = device.counters.bytesHeld;
  const wrong = kernel("wrong", ["@compute @workgroup_size(1) fn wrong() { let x = ; }"]);
  const failing = compile(device, () => {
    const y = Tensor.empty(device, [64]);
    device.run(wrong, [y], 1);
    return y;
  });
  await expect(failing).rejects.toThrow();
  expect(device.counters.bytesHeld).toBe(held);
  device.destroy();
});
