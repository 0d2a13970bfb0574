// A training step as a file that another program can repeat: weights and batch, and what Partwise computed from them.
import { writeFileSync } from "node:fs";
import { type StoredTensor, writeSafetensors } from "../../src/data/safetensors.ts";
import { compile } from "../../src/engine/capture/compile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { type ParameterSpec, Parameters } from "../../src/engine/graph/parameters.ts";
import { type Shape, Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import { mae } from "../../src/models/mae.ts";
import { scheduleOf } from "../../src/models/recipe.ts";
import { gridOf } from "../../src/models/vit.ts";
import { maeConfigOfRun, methodOf } from "../../src/train/run.ts";
import { UsageError } from "../measure/program.ts";
import { referenceStep } from "../referenceStep.ts";
import { parseStepConfig, RATES, stepProblem } from "../stepProblem.ts";
import { methodSettings, parseStepName, type StepName } from "../trainingSteps.ts";

/** A step with its results; the tensors are parameters under timm's names and the batch. */
interface Solved {
  tensors: Map<string, StoredTensor>;
  /** What the other program needs to build the model and its optimiser. */
  settings: Record<string, unknown>;
  loss: number;
  gradients: ReadonlyMap<string, Float32Array>;
}

const f32 = (shape: Shape, data: Float32Array): StoredTensor => ({
  dtype: "F32",
  shape,
  data: data as Float32Array<ArrayBuffer>,
});

/**
 * Runs forward and backward of a step (see `parseStepName`) and writes a safetensors file: every parameter, `images`
 * [B, H, W, 3], and `labels` [B] or the masking `noise` [B, N]; in its metadata `settings`, `loss`, and the L2 norm of
 * every gradient by name.
 */
export async function writeProblem(device: Device, text: string, path: string): Promise<void> {
  const step = parseStepName(text);
  const { tensors, settings, loss, gradients } =
    step.kind === "reference" ? await solveReference(device, step.config) : await solveMae(device, step);
  const norms = [...gradients].map(([name, values]) => [name, normOf(values)]);
  const metadata = {
    settings: JSON.stringify({ kind: step.kind === "reference" ? step.kind : step.method, ...settings }),
    loss: String(loss),
    gradientNorms: JSON.stringify(Object.fromEntries(norms)),
  };
  writeFileSync(path, writeSafetensors(tensors, metadata));
}

async function solveReference(device: Device, configText: string): Promise<Solved> {
  const problem = stepProblem(parseStepConfig(configText));
  const { config, parameters, images, labels } = problem;
  const step = await referenceStep(device, problem);
  const loss = await step.step();
  const gradients = await step.gradients();
  await step.close();
  const { batch, image } = config;
  const tensors = new Map(parameters.map(({ name, shape, values }) => [name, f32(shape, values)]));
  tensors.set("images", f32([batch, image, image, 3], images));
  tensors.set("labels", { dtype: "I32", shape: [batch], data: Int32Array.from(labels) });
  return { tensors, settings: { ...config, ...RATES }, loss, gradients };
}

/** MAE on pictures of N(0, 1). The masking noise is given, so that both programs remove the same patches. */
async function solveMae(device: Device, step: Extract<StepName, { kind: "method" }>): Promise<Solved> {
  const { method, batch } = step;
  const run = methodSettings(step, { name: "noise", count: batch, width: 1, height: 1, classes: 1 });
  const config = maeConfigOfRun(run);
  if (!config)
    throw new UsageError(`--step must be reference:CONFIG or mae:MODEL for PyTorch; got ${method}`);
  const { encoder, ...decoder } = config;
  const random = new Random(1, "init", 5);
  const specs = methodOf(run)
    .networks(run.seed)
    .model!.map((spec) => withoutZeros(spec, random));
  const side = encoder.imageSize;
  const [imageShape, noiseShape] = [
    [batch, side, side, 3],
    [batch, gridOf(encoder) ** 2],
  ];
  const images = random.fillNormal(new Float32Array(batch * side * side * 3));
  const noise = random.fillUniform(new Float32Array(batch * gridOf(encoder) ** 2), 0, 1);
  const params = new Parameters(device, specs);
  const [imageTensor, noiseTensor] = [
    Tensor.from(device, images, imageShape),
    Tensor.from(device, noise, noiseShape),
  ];
  const compiled = await compile(device, () => {
    const { loss } = mae(params, config, imageTensor, noiseTensor);
    const { tensors, into } = params.trainable();
    grad(loss, tensors, { into });
    return { loss };
  });
  const [loss] = await compiled.run().loss.read();
  const named = await params.read(params.gradients!);
  const gradients = new Map([...named].map(([name, { values }]) => [name, values]));
  await compiled.dispose();
  const tensors = new Map(specs.map(({ name, shape, values }) => [name, f32(shape, values)]));
  tensors.set("images", f32(imageShape, images));
  tensors.set("noise", f32(noiseShape, noise));
  const [beta1, beta2] = run.betas;
  const rates = { lr: run.lr.base, beta1, beta2, eps: 1e-8, weightDecay: scheduleOf(run.weightDecay, 1)(0) };
  return { tensors, settings: { ...encoder, ...decoder, ...rates }, loss: loss!, gradients };
}

/** Biases, scales and the like moved by N(0, 0.02²): none is 0 or 1, where a mistake could hide. */
function withoutZeros(spec: ParameterSpec, random: Random): ParameterSpec {
  if (spec.shape.length > 1) return spec;
  return { ...spec, values: spec.values.map((value) => value + 0.02 * random.normal()) };
}

const normOf = (values: Float32Array): number => {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
};
