import { type Batches, planBatches } from "../data/batches.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import { type CompiledStep, compile, type Outputs } from "../engine/capture/compile.ts";
import type { TimedDispatch } from "../engine/capture/timing.ts";
import type { Device } from "../engine/gpu/device.ts";
import { grad } from "../engine/graph/autograd.ts";
import { Parameters } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { cropPictures } from "../engine/ops/cropPictures.ts";
import { adamw } from "../engine/optim/adamw.ts";
import { clipGradients } from "../engine/optim/clip.ts";
import type { Optimizer } from "../engine/optim/optimizer.ts";
import { Random } from "../engine/random.ts";
import { MetricRing } from "../engine/step/metricRing.ts";
import { type Schedule, warmupCosine } from "../engine/step/schedule.ts";
import { StepValues } from "../engine/step/stepValues.ts";
import type { DeviceImages } from "./deviceImages.ts";
import { objectiveOf, type RunSettings } from "./run.ts";
import { BOX_WORDS, fillBoxes } from "./views.ts";

/** What must be saved to go on exactly: every number on the GPU that a step changes. */
export interface TrainerState {
  /** Updates made so far. */
  step: number;
  parameters: Float32Array;
  optimizer: Record<string, Float32Array>;
}

/** How a run is computed, which no bit of it depends on. */
export interface TrainerOptions {
  /** Compute each block again for its gradient instead of keeping its tensors: less memory, more time. */
  gradCheckpointing?: boolean;
}

/**
 * One run on one device: the captured training step and the buffers it works on. A step is a pure function of the
 * settings, the step number and the state, so a resumed run computes the same bits.
 */
export class Trainer {
  readonly device: Device;
  readonly settings: RunSettings;
  readonly parameters: Parameters;
  readonly optimizer: Optimizer;
  readonly ring: MetricRing;
  readonly batches: Batches;
  readonly #images: DeviceImages;
  readonly #values: StepValues<"step" | "rates">;
  readonly #boxes: Tensor;
  readonly #boxWords: Int32Array;
  readonly #rate: Schedule;
  readonly #options: TrainerOptions;
  #compiled: CompiledStep<Outputs> | null = null;
  #step = 0;

  constructor(device: Device, settings: RunSettings, images: DeviceImages, options: TrainerOptions = {}) {
    const { seed, batchSize, betas, baseRate, warmupSteps, totalSteps, data } = settings;
    this.device = device;
    this.settings = settings;
    this.#images = images;
    this.#options = options;
    this.parameters = new Parameters(device, objectiveOf(settings).specs(seed));
    this.optimizer = adamw(this.parameters, { beta1: betas[0], beta2: betas[1] });
    this.ring = new MetricRing(device, ["loss", "gradNorm"]);
    this.batches = planBatches({
      count: data.count,
      batchSize,
      shuffle: (epoch) => {
        const random = new Random(seed, "order", epoch);
        return () => random.nextU32();
      },
    });
    this.#values = new StepValues(device, { step: { dtype: "u32" }, rates: { dtype: "f32", shape: [4] } });
    this.#boxWords = new Int32Array(batchSize * BOX_WORDS);
    this.#boxes = Tensor.from(device, this.#boxWords, [batchSize, BOX_WORDS], "i32");
    this.#rate = warmupCosine({ base: (baseRate * batchSize) / 256, warmupSteps, totalSteps });
  }

  /** Updates made so far; the next step has this number. */
  get step(): number {
    return this.#step;
  }

  /** Learning rate of a step. */
  rateAt(step: number): number {
    return this.#rate(step);
  }

  /** The captured step: its memory plan and dispatch count. */
  async prepare(): Promise<CompiledStep<Outputs>> {
    this.#compiled ??= await compile(this.device, () => this.record());
    return this.#compiled;
  }

  /** Records one training step: crops, loss, gradients, update, metrics. */
  record(): Outputs {
    const { parameters, settings } = this;
    const { encoder } = settings.mae;
    const step = this.#values.tensor("step");
    const images = cropPictures(this.#images.shards, this.#boxes, {
      size: encoder.imageSize,
      filter: "bicubic",
      ...IMAGENET_STATISTICS,
    });
    const training = { seed: settings.seed, step, ...this.#options };
    const { loss, metrics } = objectiveOf(settings).loss(parameters, images, training);
    const { tensors, into } = parameters.trainable();
    grad(loss, tensors, { into });
    const { factors, norm } = clipGradients(
      parameters,
      settings.clip === null ? {} : { limit: settings.clip },
    );
    this.optimizer.update(this.#values.tensor("rates"), factors);
    this.ring.record(step, { loss, gradNorm: norm, ...metrics });
    return {};
  }

  /** Writes the inputs of the next step: which pictures, which crops, which rates. */
  writeInputs(): void {
    const { seed, weightDecay, cropScale } = this.settings;
    const position = this.batches.position(this.#step);
    const indices = this.batches.indices(position);
    fillBoxes(this.#boxWords, indices, {
      seed,
      epoch: position.epoch,
      view: 0,
      width: this.settings.data.width,
      height: this.settings.data.height,
      scale: cropScale,
    });
    this.#boxes.write(this.#boxWords);
    const rates = this.optimizer.numbers({ step: this.#step + 1, lr: this.#rate(this.#step), weightDecay });
    this.#values.write({ step: this.#step, rates });
  }

  /** Submits the next step without waiting for it. `prepare` comes first. */
  run(): void {
    if (!this.#compiled) throw new Error("Trainer.run: prepare the trainer first");
    this.writeInputs();
    this.#compiled.run();
    this.#step++;
  }

  /** Makes the next step with a timestamp around every dispatch; the device must have been opened with `timestamps`. */
  async timeDispatches(): Promise<TimedDispatch[]> {
    const compiled = await this.prepare();
    this.writeInputs();
    this.#step++;
    return compiled.timeDispatches();
  }

  /** Waits for the GPU and copies everything out that a resumed run needs. */
  async state(): Promise<TrainerState> {
    const optimizer: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(this.optimizer.state)) {
      optimizer[name] = (await tensor.read()) as Float32Array;
    }
    const parameters = (await this.parameters.values.read()) as Float32Array;
    return { step: this.#step, parameters, optimizer };
  }

  /** Goes on from a saved state of the same settings. */
  restore({ step, parameters, optimizer }: TrainerState): void {
    this.parameters.values.write(parameters);
    for (const [name, tensor] of Object.entries(this.optimizer.state)) tensor.write(optimizer[name]!);
    this.#step = step;
  }
}
