import { describe, expect, test } from "vitest";
import { compile } from "../../src/engine/capture/compile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { batchNorm } from "../../src/engine/ops/batchNorm.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { linear } from "../../src/engine/ops/linear.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { type ClipOptions, clipGradients } from "../../src/engine/optim/clip.ts";
import { ema } from "../../src/engine/optim/ema.ts";
import { lars } from "../../src/engine/optim/lars.ts";
import type { Optimizer } from "../../src/engine/optim/optimizer.ts";
import { sgd } from "../../src/engine/optim/sgd.ts";
import { StepValues } from "../../src/engine/step/stepValues.ts";
import { classify, vit } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { fixtureImages, fixtureLabels, loadFixture, TINY } from "./model.ts";
import { relativeError } from "./relative.ts";

const WIDTH = 32;
const start = loadFixture("vit");
const expected = loadFixture("optim");
/** How far PyTorch's own float32 run ends from its float64 run: the yardstick for ours. */
const theirs = expected.json<Record<string, number>>("float32_error");

interface Recipe {
  name: string;
  steps: number;
  make(params: Parameters): Optimizer;
  lr(step: number): number;
  weightDecay: number;
  decaysAll?: boolean;
  clip?: ClipOptions;
  teacherMomentum?: number;
}

const rates = expected.values("adamw.rates");
const clipped = { steps: 5, make: adamw, lr: () => 3e-3, weightDecay: 0.05 };
const recipes: Recipe[] = [
  {
    name: "adamw",
    steps: 10,
    make: (params) => adamw(params, { beta1: 0.9, beta2: 0.95 }),
    lr: (step) => rates[step]!,
    weightDecay: 0.05,
    teacherMomentum: 0.99,
  },
  { name: "sgd", steps: 10, make: sgd, lr: () => 0.02, weightDecay: 1e-4, decaysAll: true },
  { name: "lars", steps: 10, make: lars, lr: () => 0.5, weightDecay: 1e-4 },
  { name: "clipGlobal", ...clipped, clip: { limit: 0.5 } },
  { name: "clipTensor", ...clipped, clip: { limit: 0.15, by: "tensor" } },
];

const modelOf = (device: Device, decaysAll = false): Parameters =>
  new Parameters(
    device,
    start.json<string[]>("parameters").map((name) => {
      const shape = start.shape(name);
      return { name, shape, values: start.values(name), decay: decaysAll || shape.length > 1 };
    }),
  );

/** Trains the fixture's ViT on its batch by a recipe, in a captured step. */
async function train(device: Device, recipe: Recipe) {
  const { steps, make, lr, weightDecay, decaysAll, clip, teacherMomentum } = recipe;
  const params = modelOf(device, decaysAll);
  const teacher = modelOf(device);
  const optimizer = make(params);
  const guard = new Guard(device);
  const values = new StepValues(device, {
    numbers: { dtype: "f32", shape: [4] },
    momentum: { dtype: "f32" },
  });
  const [images, labels] = [fixtureImages(device, start), fixtureLabels(device, start)];
  const step = await compile(device, () => {
    const loss = crossEntropy(classify(params, vit(params, TINY, images).tokens), labels);
    const { tensors, into } = params.trainable();
    grad(loss, tensors, { into });
    const { factors, norm } = clipGradients(params, guard, clip);
    optimizer.update(values.tensor("numbers"), factors);
    if (teacherMomentum) ema(teacher.values, params.values, values.tensor("momentum"), guard);
    return { loss, norm };
  });
  const [losses, norms]: number[][] = [[], []];
  for (let i = 0; i < steps; i++) {
    const numbers = optimizer.numbers({ step: i + 1, lr: lr(i), weightDecay });
    values.write({ numbers, momentum: teacherMomentum ?? 0 });
    const { loss, norm } = step.run();
    losses!.push(await loss.item());
    norms!.push(await norm.item());
  }
  const named = async (model: Parameters) => model.read(model.values);
  const found = {
    losses: losses!,
    norms: norms!,
    params: await named(params),
    teacher: await named(teacher),
  };
  await step.dispose();
  return found;
}

/** Without the keys' part of a qkv bias: its exact gradient is 0, so Adam's steps there are rounding noise. */
function determined(name: string, values: Float32Array): number[] {
  const isKey = (i: number) => name.endsWith("attn.qkv.bias") && i >= WIDTH && i < 2 * WIDTH;
  return [...values].filter((_, i) => !isKey(i));
}

/** Every tensor's error over the larger of PyTorch's own and a rounding of f32; the worst of them. */
function worst(prefix: string, model: ReadonlyMap<string, { values: Float32Array }>) {
  const ratios = [...model].map(([name, { values }]) => {
    const reference = determined(name, expected.values(`${prefix}.final.${name}`));
    const error = relativeError(determined(name, values), reference);
    return { name, error, ratio: error / Math.max(theirs[`${prefix}.final.${name}`]!, 2 ** -23) };
  });
  return ratios.reduce((a, b) => (b.ratio > a.ratio ? b : a));
}

describe("optimisers against PyTorch", () => {
  const on = withDevice();

  test.each(recipes)("$name", async (recipe) => {
    const { name } = recipe;
    const { losses, norms, params, teacher } = await train(on.device, recipe);
    expect(relativeError(losses, expected.values(`${name}.losses`))).toBeLessThan(1e-6);
    const off = worst(name, params);
    expect(off.ratio, `worst: ${off.name}`).toBeLessThan(5);
    if (recipe.teacherMomentum) expect(worst("ema", teacher).ratio).toBeLessThan(5);
    if (name === "clipGlobal") {
      expect(relativeError(norms, expected.values(`${name}.norms`))).toBeLessThan(1e-6);
    }
  });

  test("LARS under MAE's linear probe: one step on batch-normalised features", async () => {
    const ops = loadFixture("ops");
    const of = (name: string) => ops.values(`probe.${name}`);
    const tensor = (name: string) => Tensor.from(on.device, of(name), ops.shape(`probe.${name}`));
    const specs = ["weight", "bias"].map((name) => ({
      name,
      shape: ops.shape(`probe.${name}`),
      values: of(name),
    }));
    const params = new Parameters(on.device, specs);
    const optimizer = lars(params);
    const labels = Tensor.from(on.device, of("labels"), [12], "u32");
    const running = {
      runningMean: Tensor.zeros(on.device, [6]),
      runningVar: Tensor.from(on.device, new Float32Array(6).fill(1), [6]),
    };
    const normed = batchNorm(tensor("features"), { ...running, eps: 1e-6, training: true });
    const loss = crossEntropy(linear(normed, params.get("weight"), params.get("bias")), labels);
    const { tensors, into } = params.trainable();
    grad(loss, tensors, { into });
    const numbers = Tensor.from(on.device, optimizer.numbers({ step: 1, lr: 2, weightDecay: 0 }), [4]);
    optimizer.update(numbers, clipGradients(params, new Guard(on.device)).factors);

    const found: [string, Tensor][] = [
      ["normed", normed],
      ["loss", loss],
      ["dweight", into[0]!],
      ["dbias", into[1]!],
      ["running_mean", running.runningMean],
      ["running_var", running.runningVar],
      ["after.weight", params.get("weight")],
      ["after.bias", params.get("bias")],
    ];
    for (const [name, values] of found) {
      expect(relativeError(await values.read(), of(name)), name).toBeLessThan(1e-6);
    }
  });
});
