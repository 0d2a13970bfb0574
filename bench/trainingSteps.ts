// The training steps that `bench -- step` measures, each ready to be submitted.
import { noisePictures } from "../src/data/noise.ts";
import type { CompiledStep, Outputs } from "../src/engine/capture/compile.ts";
import type { Device, Precision } from "../src/engine/gpu/device.ts";
import { METHODS, type MethodName } from "../src/models/methods.ts";
import { vitConfig } from "../src/models/vit.ts";
import { DeviceImages } from "../src/train/deviceImages.ts";
import { type DataDescription, descriptionOf, type RunSettings, runSettings } from "../src/train/run.ts";
import { Trainer } from "../src/train/trainer.ts";
import { UsageError } from "./measure/program.ts";
import { referenceStep } from "./referenceStep.ts";
import { parseStepConfig, stepProblem } from "./stepProblem.ts";

/** A captured training step. */
export interface TrainingStep {
  compiled: CompiledStep<Outputs>;
  /** Pictures of a batch. */
  batch: number;
  parameters: number;
  /** Writes the inputs, encodes and submits; does not wait. */
  submit(): void;
  /** The latest loss. Throws if it is not finite. */
  loss(): Promise<number>;
}

/** What the name of a step says. */
export type StepName =
  | { kind: "reference"; config: string }
  | { kind: "method"; method: MethodName; model: string; batch: number };

/** Of the pictures, for methods that read labels. */
const CLASSES = 1000;

const isMethod = (name: string): name is MethodName => Object.hasOwn(METHODS, name);

/** Reads `reference:base`, `reference:batch=8,...`, or `mae:vit_micro_patch4_32:128`, any method with the batch last. */
export function parseStepName(text: string): StepName {
  const [kind, name = "", batch = ""] = text.split(":");
  if (kind === "reference") {
    parseStepConfig(name); // throws if it is none
    return { kind, config: name };
  }
  if (isMethod(kind!) && Number.isInteger(Number(batch)) && Number(batch) > 0) {
    return { kind: "method", method: kind, model: name, batch: Number(batch) };
  }
  throw new UsageError(
    `--step must be reference:CONFIG, METHOD:MODEL or METHOD:MODEL:BATCH, as mae:vit_micro_patch4_32:128; got "${text}"`,
  );
}

/** The whole name of a step: `mae:MODEL` gets the batch behind it. Throws if it names no step. */
export function fullStepName(text: string, batch: number): string {
  const full = /^(?!reference:)[^:]+:[^:]+$/.test(text) ? `${text}:${batch}` : text;
  parseStepName(full);
  return full;
}

/** Whether PyTorch can repeat a step (bench/torch): the reference steps and MAE's. */
export function hasTorch(text: string): boolean {
  const step = parseStepName(text);
  return step.kind === "reference" || step.method === "mae";
}

/** Captures the step of a full name. */
export function startTraining(device: Device, text: string): Promise<TrainingStep> {
  const step = parseStepName(text);
  return step.kind === "reference" ? startReference(device, step.config) : startMethod(device, step);
}

/** A run of pretraining as `partwise pretrain` has it, its schedule of no importance. */
export const methodSettings = (
  { method, model, batch }: Extract<StepName, { kind: "method" }>,
  data: DataDescription,
  precision: Precision = "f32",
): RunSettings =>
  runSettings({
    method,
    model,
    data,
    precision,
    seed: 1,
    batchSize: batch,
    totalSteps: 1_000_000,
    warmupSteps: 10,
  });

async function startReference(device: Device, configText: string): Promise<TrainingStep> {
  const problem = stepProblem(parseStepConfig(configText));
  const step = await referenceStep(device, problem);
  return {
    compiled: step.compiled,
    batch: problem.config.batch,
    parameters: step.parameters.count(),
    submit: step.submit,
    loss: async () => finite(`reference:${configText}`, await step.loss()),
  };
}

/** Pretraining as `partwise pretrain` runs it, crops and metrics included, on pictures of noise. */
async function startMethod(
  device: Device,
  step: Extract<StepName, { kind: "method" }>,
): Promise<TrainingStep> {
  const { method, model, batch } = step;
  const set = noisePictures(2 * batch, vitConfig(model).imageSize, CLASSES);
  const images = await DeviceImages.upload(device, set);
  const trainer = new Trainer(device, methodSettings(step, descriptionOf(set), device.precision), images);
  const compiled = await trainer.prepare();
  return {
    compiled,
    batch,
    parameters: trainer.trained.count("trained"),
    submit: () => trainer.run(),
    async loss() {
      const [row] = await trainer.ring.read(trainer.step - 1, trainer.step);
      return finite(`${method}:${model}:${batch}`, row!.values.loss!);
    },
  };
}

function finite(name: string, loss: number): number {
  if (!Number.isFinite(loss)) throw new Error(`step: the loss of ${name} must be finite; got ${loss}`);
  return loss;
}
