import { expect, test } from "vitest";
import { relativeErrors } from "../../bench/measure/errors.ts";
import { step64 } from "../../bench/reference64/step64.ts";
import { referenceStep } from "../../bench/referenceStep.ts";
import { parseStepConfig, type StepProblem, stepProblem } from "../../bench/stepProblem.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const config = parseStepConfig("batch=2,width=8,depth=2,heads=2,image=8,patch=4,classes=3");

/** The problem with one value of one parameter moved. f64 values: a step of 1e-5 would vanish in f32. */
function moved(problem: StepProblem, name: string, index: number, by: number): StepProblem {
  const parameters = problem.parameters.map((spec) => {
    if (spec.name !== name) return spec;
    const values = Float64Array.from(spec.values);
    values[index]! += by;
    return { ...spec, values: values as unknown as Float32Array };
  });
  return { ...problem, parameters };
}

test("the float64 gradients are those of the float64 loss", () => {
  const problem = stepProblem(config);
  const { gradients } = step64(problem);
  for (const { name, values } of problem.parameters) {
    const index = Math.floor(values.length / 2);
    const [up, down] = [1e-5, -1e-5].map((by) => step64(moved(problem, name, index, by)).losses[0]);
    const numeric = (up! - down!) / 2e-5;
    expect(gradients.get(name)![index]!, name).toBeCloseTo(numeric, 8);
  }
});

test("Partwise's step is that step: gradients, the loss, and the loss after the update", async () => {
  const problem = stepProblem(config);
  const expected = step64(problem);
  const step = await referenceStep(on.device, problem);
  const first = await step.step();
  const { total, worst } = relativeErrors(await step.gradients(), expected.gradients);
  expect(total).toBeLessThan(2e-6);
  expect(worst.error, worst.name).toBeLessThan(1e-5);
  expect(first).toBeCloseTo(expected.losses[0], 5);
  expect(await step.step()).toBeCloseTo(expected.losses[1], 5);
  await step.close();
});

test("a step is one submit and creates nothing, the loss on the host included", async () => {
  const step = await referenceStep(on.device, stepProblem(config));
  await step.step();
  const before = { ...on.device.counters };
  await step.step();
  const { counters } = on.device;
  expect(counters.submits - before.submits).toBe(1);
  expect(counters.dispatches - before.dispatches).toBe(step.compiled.dispatches);
  const created = ["buffersCreated", "bindGroupsCreated", "pipelinesCreated", "readbacks"] as const;
  expect(created.map((name) => counters[name] - before[name])).toEqual([0, 0, 0, 0]);
  await step.close();
});

test("closing a step gives its memory back", async () => {
  const held = async () => {
    await (await referenceStep(on.device, stepProblem(config))).close();
    return on.device.counters.bytesHeld;
  };
  const once = await held();
  expect(await held()).toBeLessThanOrEqual(once + 4096); // a few small tables stay with the device
});
