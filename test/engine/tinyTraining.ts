/** Small but complete training steps: AdamW, clipping, an averaged teacher, and everything that can move moving. */

import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { stopGradient } from "../../src/engine/graph/op.ts";
import { type ParameterSpec, Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { add, div } from "../../src/engine/ops/elementwise.ts";
import { softmax } from "../../src/engine/ops/softmax.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipGradients } from "../../src/engine/optim/clip.ts";
import { ema } from "../../src/engine/optim/ema.ts";
import { Random } from "../../src/engine/random.ts";
import { cosine, cosineMomentum, linear, warmupCosine } from "../../src/engine/step/schedule.ts";
import { StepValues } from "../../src/engine/step/stepValues.ts";
import { maeInit, timmInit } from "../../src/models/init.ts";
import { decoderSpecs, mae, maeConfig, maskingNoise } from "../../src/models/mae.ts";
import { classify, headSpecs, type VitConfig, vit, vitConfig, vitSpecs } from "../../src/models/vit.ts";

export const STEPS = 6;
const CLASSES = 5;
const BATCH = 3;
const SEED = 7;

const ENCODER: VitConfig = {
  ...vitConfig("vit_micro_patch4_32"),
  imageSize: 16,
  embedDim: 32,
  depth: 2,
  numHeads: 4,
  dropPath: 0.4,
};

/** Everything that moves, as a function of the step. */
export const SCHEDULES = {
  lr: warmupCosine({ base: 3e-3, min: 1e-4, warmupSteps: 2, totalSteps: STEPS }),
  weightDecay: cosine({ from: 0.04, to: 0.4, steps: STEPS }),
  momentum: cosineMomentum(0.8, STEPS),
  temperature: linear({ from: 0.5, to: 0.8, steps: STEPS }),
  step: (step: number) => step,
};
export type Schedules = typeof SCHEDULES;

export interface TinyTraining {
  params: Parameters;
  /** What a run leaves behind, by name. */
  state: Record<string, Tensor>;
  /** Sets the inputs of a step (from 0): pictures, labels and the value of every schedule. */
  write(step: number, schedules?: Schedules): void;
  step(): { loss: Tensor; norm: Tensor };
}

type Values = StepValues<"numbers" | "momentum" | "temperature" | "step">;

interface Inputs {
  images: Tensor;
  labels: Tensor;
  values: Values;
}

/** Puts an optimiser, a teacher and moving inputs around a loss. */
function training(
  device: Device,
  specs: readonly ParameterSpec[],
  lossOf: (params: Parameters, teacher: Parameters, inputs: Inputs) => Tensor,
): TinyTraining {
  const params = new Parameters(device, specs);
  const teacher = new Parameters(device, specs, { gradients: false });
  const optimizer = adamw(params, { beta2: 0.95 });
  const guard = new Guard(device);
  const { imageSize } = ENCODER;
  const values: Values = new StepValues(device, {
    numbers: { dtype: "f32", shape: [4] },
    momentum: { dtype: "f32" },
    temperature: { dtype: "f32" },
    step: { dtype: "u32" },
  });
  const images = Tensor.zeros(device, [BATCH, imageSize, imageSize, 3]);
  const labels = Tensor.zeros(device, [BATCH], "u32");
  return {
    params,
    state: Object.fromEntries(
      Object.entries({ parameters: params.values, teacher: teacher.values, ...optimizer.state }).flatMap(
        ([name, shards]) => shards.map((tensor, i) => [shards.length > 1 ? `${name} ${i}` : name, tensor]),
      ),
    ),
    write(step, schedules = SCHEDULES) {
      const random = new Random(SEED, "test", step);
      images.write(random.fillNormal(new Float32Array(images.size)));
      labels.write(Array.from({ length: BATCH }, () => random.below(CLASSES)));
      const rates = { step: step + 1, lr: schedules.lr(step), weightDecay: schedules.weightDecay(step) };
      values.write({
        numbers: optimizer.numbers(rates),
        momentum: schedules.momentum(step),
        temperature: schedules.temperature(step),
        step: schedules.step(step),
      });
    },
    step() {
      const loss = lossOf(params, teacher, { images, labels, values });
      const { tensors, into } = params.trainable();
      grad(loss, tensors, { into });
      const { factors, norm } = clipGradients(params, guard, { limit: 0.5 });
      optimizer.update(values.tensor("numbers"), factors);
      ema(teacher.values, params.values, values.tensor("momentum"), guard);
      guard.settle();
      return { loss, norm };
    },
  };
}

/** A ViT learns labels and the sharpened opinion of its own average. */
export function supervised(device: Device): TinyTraining {
  const init = timmInit(SEED);
  const specs = [...vitSpecs(ENCODER, init), ...headSpecs(ENCODER.embedDim, CLASSES, init)];
  return training(device, specs, (params, teacher, { images, labels, values }) => {
    const dropping = { seed: SEED, step: values.tensor("step") };
    const logits = classify(params, vit(params, ENCODER, images, dropping).tokens);
    const opinion = classify(teacher, vit(teacher, ENCODER, images).tokens);
    const target = stopGradient(softmax(div(opinion, values.tensor("temperature"))));
    return add(crossEntropy(logits, labels), crossEntropy(logits, target));
  });
}

/** A masked autoencoder, masked anew at each step. */
export function maskedAutoencoder(device: Device): TinyTraining {
  const init = maeInit(SEED);
  const decoder = { decoderEmbedDim: 16, decoderDepth: 2, decoderNumHeads: 2 };
  const config = maeConfig(ENCODER, decoder);
  const specs = [...vitSpecs(config.encoder, init), ...decoderSpecs(config, init)];
  return training(device, specs, (params, _, { images, values }) => {
    const drawing = { seed: SEED, step: values.tensor("step") };
    return mae(params, config, images, maskingNoise(config, BATCH, drawing), drawing).loss;
  });
}
