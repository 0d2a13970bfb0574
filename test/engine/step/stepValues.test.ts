import { expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { add, mul } from "../../../src/engine/ops/elementwise.ts";
import { StepValues } from "../../../src/engine/step/stepValues.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const valuesOf = () =>
  new StepValues(on.device, {
    rate: { dtype: "f32" },
    many: { dtype: "f32", shape: [70] },
    step: { dtype: "u32" },
  });
const many = Array.from({ length: 70 }, (_, i) => i / 7);

test("each value has a tensor of its own shape and dtype", async () => {
  const values = valuesOf();
  values.write({ rate: 0.1, many, step: 4_000_000_000 });
  expect(await values.tensor("rate").read()).toEqual(Float32Array.from([0.1]));
  expect(await values.tensor("many").read()).toEqual(Float32Array.from(many));
  expect(await values.tensor("step").read()).toEqual(Uint32Array.from([4_000_000_000]));
  expect(values.tensor("rate").shape).toEqual([]);
});

test("a captured step sees what was written before each run", async () => {
  const values = valuesOf();
  const x = Tensor.from(on.device, [2], [1]);
  const step = await compile(on.device, () => ({
    y: add(mul(x, values.tensor("rate")), values.tensor("many")),
  }));
  for (const rate of [0.5, -3]) {
    values.write({ rate, many, step: 0 });
    expect(await step.run().y.read()).toEqual(Float32Array.from(many, (v) => 2 * rate + Math.fround(v)));
  }
  await step.dispose();
});

test("runs that are queued keep their own values", async () => {
  const values = valuesOf();
  const total = Tensor.zeros(on.device, []);
  const step = await compile(on.device, () => {
    const next = add(total, values.tensor("rate"));
    on.device.copy(next, total);
    return {};
  });
  for (let i = 1; i <= 20; i++) {
    values.write({ rate: i, many, step: i });
    step.run();
  }
  expect(await total.item()).toBe(210);
  await step.dispose();
});

test("another number of values is refused", () => {
  expect(() => valuesOf().write({ rate: [1, 2], many, step: 0 })).toThrow(
    "StepValues.write: rate holds 1 values; got 2",
  );
});

test.each([
  [-1, "u32 values are whole numbers from 0 to 4294967295; got -1 at 0"],
  [2.75, "got 2.75 at 0"],
  [2 ** 32, "got 4294967296 at 0"],
  [["1"] as unknown as number, "values must be a flat list of numbers; got string 1 at 0"],
  [undefined as unknown as number, "StepValues.write: step holds 1 values; got 0"],
])("a step counter of %s is refused", (step, rule) => {
  expect(() => valuesOf().write({ rate: 0, many, step })).toThrow(rule);
});
