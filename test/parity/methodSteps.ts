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
import { fixtureImages, fixtureLabels } from "./model.ts";
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

/** The bias of queries and values, [3 D] with 0 for the keys: softmax ignores theirs, too, and the fixtures hold 0. */
const withoutKeys = (bias: Float32Array): Float32Array =>
  bias.map((value, i) => (Math.floor((3 * i) / bias.length) === 1 ? 0 : value));

/** The largest relative error of the parameters that a fixture has under `prefix`, and how many these are. */
async function worstOf(fixture: Fixture, prefix: string, params: Parameters, tensors: readonly Tensor[]) {
  const errors = [];
  for await (const [name, { values }] of params.entries(tensors)) {
    if (!fixture.tensors.has(`${prefix}.${name}`) || UNDETERMINED.test(name)) continue;
    const own = name.endsWith("attn.qkv.bias") ? withoutKeys(values) : values;
    errors.push({ name, error: relativeError(own, fixture.values(`${prefix}.${name}`)) });
  }
  const worst = errors.reduce((a, b) => (b.error > a.error ? b : a));
  return { ...worst, count: errors.length };
}

/** How a fixture was trained; without `betas` .9 and .999, by one norm of all gradients, nothing late. */
interface Trained {
  /** Throughout, where the fixture has no `decays`. */
  weightDecay?: number;
  limit: number;
  by?: "model" | "tensor";
  betas?: [number, number];
  /** Step at which late parameters begin. */
  late?: number;
}

/** The fixture's pictures as a method sees them: a tensor for each size, or one of all. */
function viewsOf(device: Device, fixture: Fixture): Tensor[] {
  const names = [...fixture.tensors.keys()].filter((name) => name.startsWith("views."));
  return (names.length > 0 ? names : ["images"]).map((name) => fixtureImages(device, fixture, name));
}

/**
 * A method against a fixture of make_beit_fixtures.py or make_method_fixtures.py: its loss and gradients at the first step,
 * and where ten steps of AdamW leave all networks, buffers included, in the order of the trainer, with the fixture's
 * pictures, masks, rates and momenta.
 */
export async function methodErrors(device: Device, fixture: Fixture, method: Method) {
  const { weightDecay, limit, by, betas, late = 0 } = fixture.json<Trained>("settings");
  const named = Object.entries(method.networks(0)).map(
    ([name, specs], i) => [name, new Parameters(device, specs, { gradients: i === 0 })] as const,
  );
  for (const [network, params] of named) {
    const given = params.segments.map(({ name }) => {
      const own = `${network}.${name}`; // of a teacher that does not begin as the student does
      const from = fixture.tensors.has(own) ? own : name;
      return [name, { shape: fixture.shape(from), values: fixture.values(from) }] as const;
    });
    params.write(params.values, new Map(given));
  }
  const networks = Object.fromEntries(named);
  const trained = named[0]![1];
  const guard = new Guard(device);
  const optimizer = adamw(trained, betas && { beta1: betas[0], beta2: betas[1] });
  const rates = fixture.values("rates");
  const decays = fixture.tensors.has("decays") ? fixture.values("decays") : rates.map(() => weightDecay!);
  const moving = Object.entries(method.moving)
    .filter(([name]) => fixture.tensors.has(`moving.${name}`)) // what the fixture's settings leave unread has none
    .map(([name, { dtype, shape = [] }]) => [name, { dtype, shape }]);
  const inputs = {
    step: { dtype: "u32" },
    rates: { dtype: "f32", shape: [4] },
    lateRates: { dtype: "f32", shape: [4] },
    ...(Object.fromEntries(moving) as Record<string, StepValue>),
  } satisfies Record<string, StepValue>;
  const values = new StepValues<string>(device, inputs);
  const views = viewsOf(device, fixture);
  const batch = views[0]!.shape[0]!;
  const labels = fixture.tensors.has("labels")
    ? fixtureLabels(device, fixture)
    : Tensor.from(device, new Uint32Array(batch), [batch], "u32");
  const compiled = await compile(device, () => {
    const before: (() => void)[] = [];
    const after: (() => void)[] = [];
    const { loss } = method.record({
      networks,
      views,
      labels,
      guard,
      value: (name) => values.tensor(name),
      training: (pass) => ({ seed: 0, step: values.tensor("step"), pass }),
      beforeUpdate: (action) => before.push(action),
      afterUpdate: (action) => after.push(action),
    });
    const { tensors, into } = trained.trainable();
    grad(loss, tensors, { into });
    guard.check(loss);
    const { factors } = clipGradients(trained, guard, { limit, ...(by && { by }) });
    for (const action of before) action();
    optimizer.update(values.tensor("rates"), factors, values.tensor("lateRates"));
    for (const action of after) action();
    guard.settle();
    return { loss };
  });
  const losses: number[] = [];
  let gradients: Awaited<ReturnType<typeof worstOf>> | null = null;
  for (let step = 0; step < rates.length; step++) {
    const own = moving.map(([name]) => [name, rowOf(fixture, `moving.${name}`, step)]);
    const numbersOf = (update: number) =>
      optimizer.numbers({ step: Math.max(0, update), lr: rates[step]!, weightDecay: decays[step]! });
    values.write({
      step,
      rates: numbersOf(step + 1),
      lateRates: numbersOf(step + 1 - late),
      ...Object.fromEntries(own),
    });
    losses.push(await compiled.run().loss.item());
    gradients ??= await worstOf(fixture, "grad", trained, trained.gradients!);
  }
  const teacher = named[1]?.[1];
  return {
    losses: relativeError(losses, fixture.values("losses")),
    gradients: gradients!,
    final: await worstOf(fixture, "final", trained, trained.values),
    taught: teacher ? await worstOf(fixture, "taught", teacher, teacher.values) : null,
  };
}
