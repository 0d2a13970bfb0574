import { compile } from "../../src/engine/capture/compile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipGradients } from "../../src/engine/optim/clip.ts";
import { type StepValue, StepValues } from "../../src/engine/step/stepValues.ts";
import type { Method } from "../../src/models/method.ts";
import type { Fixture } from "./fixture.ts";
import { fixtureImages } from "./model.ts";
import { relativeError } from "./relative.ts";

/** The values of one step of a fixture's tensor [steps, ...]. */
function rowOf(fixture: Fixture, name: string, step: number): Float32Array {
  const [steps] = fixture.shape(name) as [number];
  const values = fixture.values(name);
  const size = values.length / steps;
  return values.subarray(step * size, (step + 1) * size);
}

/** Softmax ignores what is added to all keys of a query: gradients of this are nothing but rounding. */
const UNDETERMINED = /\.norm1_k\.bias$/;

/** The largest relative error of the parameters that a fixture has under `prefix`, and how many these are. */
async function worstOf(fixture: Fixture, prefix: string, params: Parameters, tensors: readonly Tensor[]) {
  const errors = [];
  for await (const [name, { values }] of params.entries(tensors)) {
    if (!fixture.tensors.has(`${prefix}.${name}`) || UNDETERMINED.test(name)) continue;
    errors.push({ name, error: relativeError(values, fixture.values(`${prefix}.${name}`)) });
  }
  const worst = errors.reduce((a, b) => (b.error > a.error ? b : a));
  return { ...worst, count: errors.length };
}

/**
 * A method against a fixture of make_beit_fixtures.py: its loss and gradients at the first step, and where ten steps of
 * AdamW end, in the order of the trainer, with the fixture's pictures, masks, rates and momenta.
 */
export async function methodErrors(device: Device, fixture: Fixture, method: Method) {
  const { weightDecay, limit } = fixture.json<{ weightDecay: number; limit: number }>("settings");
  const named = Object.entries(method.networks(0)).map(
    ([name, specs], i) => [name, new Parameters(device, specs, { gradients: i === 0 })] as const,
  );
  for (const [, params] of named) {
    const given = params.segments.map(
      ({ name }) => [name, { shape: fixture.shape(name), values: fixture.values(name) }] as const,
    );
    params.write(params.values, new Map(given));
  }
  const networks = Object.fromEntries(named);
  const trained = named[0]![1];
  const guard = new Guard(device);
  const optimizer = adamw(trained, { beta1: 0.9, beta2: 0.999 });
  const rates = fixture.values("rates");
  const moving = Object.entries(method.moving).map(([name, { dtype, shape = [] }]) => [
    name,
    { dtype, shape },
  ]);
  const inputs = {
    step: { dtype: "u32" },
    rates: { dtype: "f32", shape: [4] },
    ...(Object.fromEntries(moving) as Record<string, StepValue>),
  } satisfies Record<string, StepValue>;
  const values = new StepValues<string>(device, inputs);
  const images = fixtureImages(device, fixture);
  const compiled = await compile(device, () => {
    const before: (() => void)[] = [];
    const after: (() => void)[] = [];
    const { loss } = method.record({
      networks,
      views: [images],
      labels: Tensor.from(device, new Uint32Array(images.shape[0]!), [images.shape[0]!], "u32"),
      guard,
      value: (name) => values.tensor(name),
      training: (pass) => ({ seed: 0, step: values.tensor("step"), pass }),
      beforeUpdate: (action) => before.push(action),
      afterUpdate: (action) => after.push(action),
    });
    const { tensors, into } = trained.trainable();
    grad(loss, tensors, { into });
    guard.check(loss);
    const { factors } = clipGradients(trained, guard, { limit });
    for (const action of before) action();
    optimizer.update(values.tensor("rates"), factors);
    for (const action of after) action();
    guard.settle();
    return { loss };
  });
  const losses: number[] = [];
  let gradients: Awaited<ReturnType<typeof worstOf>> | null = null;
  for (let step = 0; step < rates.length; step++) {
    const own = moving.map(([name]) => [name, rowOf(fixture, `moving.${name}`, step)]);
    values.write({
      step,
      rates: optimizer.numbers({ step: step + 1, lr: rates[step]!, weightDecay }),
      ...Object.fromEntries(own),
    });
    losses.push(await compiled.run().loss.item());
    gradients ??= await worstOf(fixture, "grad", trained, trained.gradients!);
  }
  const teacher = named[1]?.[1];
  return {
    losses: relativeError(losses, fixture.values("losses")),
    gradients: gradients!,
    final: await worstOf(fixture, "final", trained, trained.trained),
    taught: teacher ? await worstOf(fixture, "taught", teacher, teacher.trained) : null,
  };
}
