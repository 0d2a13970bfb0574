import { type Batches, planBatches } from "../data/batches.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import { type CompiledStep, compile, type Outputs } from "../engine/capture/compile.ts";
import type { TimedDispatch } from "../engine/capture/timing.ts";
import type { Device } from "../engine/gpu/device.ts";
import { grad } from "../engine/graph/autograd.ts";
import { Guard } from "../engine/graph/guard.ts";
import { type NamedValues, Parameters } from "../engine/graph/parameters.ts";
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
  /** Updates made so far; after a step that was not finite, those before it. */
  step: number;
  /** By the prefixes of `Trainer.kept` and the parameters' names. */
  tensors: Map<string, NamedValues>;
}

/** Tensors on the device that a run keeps, laid out as the values or the trained ones of `layout`. */
export interface Kept {
  tensors: readonly Tensor[];
  layout: Parameters;
}

/** How a run is computed, which no bit of it depends on. */
export interface TrainerOptions {
  /** Compute each block again for its gradient instead of keeping its tensors: less memory, more time. */
  gradCheckpointing?: boolean;
  /** Bytes after which the parameters' buffers are cut; `Parameters` chooses when absent. */
  shardBytes?: number;
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
  /** Halts everything that moves at the first step that is not finite. */
  readonly guard: Guard;
  readonly batches: Batches;
  readonly #images: DeviceImages;
  readonly #values: StepValues<"step" | "rates">;
  readonly #boxes: Tensor;
  readonly #boxWords: Int32Array;
  readonly #rate: Schedule;
  readonly #options: TrainerOptions;
  #compiled: CompiledStep<Outputs> | null = null;
  #step = 0;
  /** The step of the state that was last put in. */
  #origin = 0;

  constructor(device: Device, settings: RunSettings, images: DeviceImages, options: TrainerOptions = {}) {
    const { seed, batchSize, betas, baseRate, warmupSteps, totalSteps, data } = settings;
    this.device = device;
    this.settings = settings;
    this.#images = images;
    this.#options = options;
    const { shardBytes } = options;
    const layout = shardBytes === undefined ? {} : { shardBytes };
    this.parameters = new Parameters(device, objectiveOf(settings).specs(seed), layout);
    this.optimizer = adamw(this.parameters, { beta1: betas[0], beta2: betas[1] });
    this.guard = new Guard(device);
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

  /** Steps submitted so far; the next one has this number. */
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
    const { parameters, settings, guard } = this;
    const { encoder } = settings.mae;
    const step = this.#values.tensor("step");
    const images = cropPictures(this.#images.shards, this.#boxes, {
      size: encoder.imageSize,
      filter: "bicubic",
      ...IMAGENET_STATISTICS,
    });
    const { gradCheckpointing = false } = this.#options;
    const training = { seed: settings.seed, step, gradCheckpointing };
    const { loss, metrics } = objectiveOf(settings).loss(parameters, images, training);
    const { tensors, into } = parameters.trainable();
    grad(loss, tensors, { into });
    guard.check(loss);
    const limit = settings.clip === null ? {} : { limit: settings.clip };
    const { factors, norm } = clipGradients(parameters, guard, limit);
    this.optimizer.update(this.#values.tensor("rates"), factors);
    guard.settle();
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

  /** Every number on the GPU that a step changes, by the prefix of its names in a checkpoint. */
  kept(): Record<string, Kept> {
    const { parameters: layout, optimizer } = this;
    const moments = Object.entries(optimizer.state).map(([name, tensors]) => {
      return [`optimizer.${name}.`, { tensors, layout }] as const;
    });
    return { "": { tensors: layout.values, layout }, ...Object.fromEntries(moments) };
  }

  /** Waits for the GPU: the updates that were made, which a halted run has fewer of than steps. */
  async updates(): Promise<number> {
    return this.#origin + (await this.guard.read()).steps;
  }

  /** Waits for the GPU and copies everything out that a resumed run needs. */
  async state(): Promise<TrainerState> {
    const tensors = new Map<string, NamedValues>();
    for (const [prefix, { tensors: flat, layout }] of Object.entries(this.kept())) {
      for await (const [name, values] of layout.entries(flat)) tensors.set(prefix + name, values);
    }
    return { step: await this.updates(), tensors };
  }

  /** Goes on from a saved state of the same settings; throws, before anything changes, if it is not whole. */
  restore({ step, tensors }: TrainerState): void {
    const found = Object.entries(this.kept()).flatMap(([prefix, { tensors: flat, layout }]) => {
      const own = [...tensors].filter(([name]) => name.startsWith(prefix));
      return layout.match(flat, new Map(own.map(([name, values]) => [name.slice(prefix.length), values])));
    });
    for (const { view, values } of found) view.write(values);
    this.continueFrom(step);
  }

  /** Goes on at a step whose state `kept` holds by now: a halted run moves again, metrics of before are not its own. */
  continueFrom(step: number): void {
    this.#step = step;
    this.#origin = step;
    this.guard.restart();
    this.ring.restart();
  }
}
