import type { Batches } from "../data/batches.ts";
import { type CompiledStep, compile, type Outputs } from "../engine/capture/compile.ts";
import type { TimedDispatch } from "../engine/capture/timing.ts";
import type { Device } from "../engine/gpu/device.ts";
import { grad } from "../engine/graph/autograd.ts";
import { Guard } from "../engine/graph/guard.ts";
import { LossScale } from "../engine/graph/lossScale.ts";
import { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { adamw } from "../engine/optim/adamw.ts";
import { clipGradients } from "../engine/optim/clip.ts";
import type { Optimizer } from "../engine/optim/optimizer.ts";
import { MetricRing } from "../engine/step/metricRing.ts";
import type { Method, Seeing } from "../models/method.ts";
import { fillFirstValues } from "./firstValues.ts";
import type { PictureSource } from "./pictureSource.ts";
import { methodOf, type RunSettings } from "./run.ts";
import { type RunRates, runRates } from "./runRates.ts";
import { StepInputs } from "./stepInputs.ts";
import { StepPictures } from "./stepPictures.ts";

/** What a step shows its networks, standardised pictures on the device. */
export interface Look {
  pictures: Tensor;
  /** One tensor for each of the method's view groups. */
  views: readonly Tensor[];
  /** See `Method.sights`. */
  sights: Readonly<Record<string, Tensor>>;
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
  readonly method: Method;
  /** By the method's names; the first one is trained. */
  readonly networks: Readonly<Record<string, Parameters>>;
  readonly optimizer: Optimizer;
  readonly ring: MetricRing;
  /** Halts everything that moves at the first step that is not finite; in f16 it skips such steps, and halts at many in a row. */
  readonly guard: Guard;
  readonly #rates: RunRates;
  readonly #inputs: StepInputs;
  readonly #pictures: StepPictures;
  readonly #options: TrainerOptions;
  #compiled: CompiledStep<Outputs> | null = null;
  /** Resolves when the buffers hold what the method finds in the pictures, or what a saved run found. */
  #found: Promise<void> | null = null;
  #step = 0;
  /** The step of the state that was last put in. */
  #origin = 0;

  constructor(device: Device, settings: RunSettings, source: PictureSource, options: TrainerOptions = {}) {
    const { seed, betas, totalSteps, precision = "f32" } = settings;
    if (device.precision !== precision) {
      throw new Error(
        `Trainer: the device must be of the run's precision, ${precision}; got ${device.precision}. Open it with { precision }`,
      );
    }
    this.device = device;
    this.settings = settings;
    this.method = methodOf(settings);
    this.#options = options;
    const networks = Object.entries(this.method.networks(seed));
    const cut = options.shardBytes === undefined ? {} : { shardBytes: options.shardBytes };
    this.networks = Object.fromEntries(
      networks.map(([name, specs], i) => [
        name,
        new Parameters(device, specs, { gradients: i === 0, ...cut }),
      ]),
    );
    this.optimizer = adamw(this.trained, { beta1: betas[0], beta2: betas[1] });
    this.guard = new Guard(device, precision === "f16" ? new LossScale(device) : null);
    const scaling = precision === "f16" ? ["lossScale", "skipped"] : [];
    this.ring = new MetricRing(device, ["loss", "gradNorm", ...this.method.metrics, ...scaling]);
    this.#rates = runRates(this.optimizer, settings, this.method.lateStart?.(totalSteps) ?? 0);
    this.#inputs = new StepInputs(device, settings, this.method, this.#rates);
    this.#pictures = new StepPictures(device, settings, this.method, source, this.#inputs);
  }

  /** The network whose parameters the optimiser moves. */
  get trained(): Parameters {
    return Object.values(this.networks)[0]!;
  }

  /** The network that probes read. */
  get encoder(): Parameters {
    return this.networks[this.method.encoder.network]!;
  }

  /** Which pictures each step has. */
  get batches(): Batches {
    return this.#pictures.batches;
  }

  /** Steps submitted so far; the next one has this number. */
  get step(): number {
    return this.#step;
  }

  /** Learning rate of a step. */
  rateAt(step: number): number {
    return this.#rates.rate(step);
  }

  /**
   * Fills what the method finds in the run's pictures, once, unless a saved state brought it; `given` brings it from elsewhere,
   * a tokenizer of another run or the teacher that a method must be given, by the names that it has in a checkpoint. Throws one
   * sentence where it is not the method's.
   */
  ready(given?: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.#found ??= this.#fill(given);
    return this.#found;
  }

  #fill(given?: ReadonlyMap<string, Float32Array>): Promise<void> {
    const { device, settings, method, networks } = this;
    const views = (step: number) => {
      this.#pictures.writeInputs(step);
      return device.tidy(() => this.#pictures.views());
    };
    return fillFirstValues(method, networks, { device, seed: settings.seed, views }, given);
  }

  /** The captured step: its memory plan and dispatch count. */
  async prepare(): Promise<CompiledStep<Outputs>> {
    await this.ready();
    this.#compiled ??= await compile(this.device, () => this.record());
    return this.#compiled;
  }

  /** Records one training step: views, loss, gradients, update, averages, metrics. */
  record(): Outputs {
    const { method, trained, settings, guard } = this;
    const step = this.#inputs.tensor("step");
    const before: (() => void)[] = [];
    const after: (() => void)[] = [];
    const { loss, metrics } = method.record({
      ...this.#seeing(),
      labels: this.#pictures.labels(),
      guard,
      beforeUpdate: (action) => before.push(action),
      afterUpdate: (action) => after.push(action),
    });
    const { tensors, into } = trained.trainable();
    grad(loss, tensors, guard.scale ? { into, seed: guard.scale.value } : { into });
    guard.check(loss);
    const { factors, norm } = clipGradients(trained, guard, settings.clip ?? {});
    for (const action of before) action();
    this.optimizer.update(this.#inputs.tensor("rates"), factors, this.#inputs.tensor("lateRates"));
    for (const action of after) action();
    guard.settle();
    const scaling = guard.scale && { lossScale: guard.scale.value, skipped: guard.scale.badSteps };
    this.ring.record(step, { loss, gradNorm: norm, ...metrics, ...scaling });
    return {};
  }

  /** What the networks see in the step whose inputs were written. */
  #seeing(): Seeing {
    const { method, networks, settings } = this;
    const { gradCheckpointing = false } = this.#options;
    const step = this.#inputs.tensor("step");
    return {
      networks,
      views: this.#pictures.views(),
      value: (name) => this.#inputs.tensor(`${method.name}.${name}`),
      training: (pass) => ({ seed: settings.seed, step, pass, gradCheckpointing }),
    };
  }

  /**
   * What the networks see in the next step: the batch's whole pictures [B, side, side, 3] as large as the encoder's, the
   * method's view groups and what the step makes of them, all standardised. Nothing of the run moves by it. The tensors are the
   * caller's to dispose of.
   */
  look(): Look {
    this.writeInputs();
    return this.device.tidy(() => {
      const seeing = this.#seeing();
      const { views } = seeing;
      return {
        pictures: this.#pictures.whole(this.#step),
        views,
        sights: this.method.sights?.(seeing) ?? {},
      };
    });
  }

  /** Writes the inputs of the next step: which pictures, which crops, which rates. */
  writeInputs(): void {
    this.#pictures.writeInputs(this.#step);
  }

  /** Submits the next step without waiting for it. `prepare` comes first. */
  run(): void {
    if (!this.#compiled) throw new Error("Trainer.run: prepare the trainer first");
    this.writeInputs();
    this.#compiled.run();
    this.advance();
  }

  /** Notes that the step whose inputs were written has been submitted. */
  advance(): void {
    this.#step++;
  }

  /** Makes the next step with a timestamp around every dispatch; the device must have been opened with `timestamps`. */
  async timeDispatches(): Promise<TimedDispatch[]> {
    const compiled = await this.prepare();
    this.writeInputs();
    this.advance();
    return compiled.timeDispatches();
  }

  /** Waits for the GPU: the updates that were made, which a halted run has fewer of than steps. */
  async updates(): Promise<number> {
    return this.#origin + (await this.guard.read()).steps;
  }

  /** Goes on at a step whose state `viewsOf` holds by now: a halted run moves again, metrics of before are not its own. */
  continueFrom(step: number): void {
    this.#step = step;
    this.#origin = step;
    this.#found = Promise.resolve();
    this.guard.restart();
    this.ring.restart();
  }

  /** Gives all memory of the run back after a fence, but the pictures, which are the caller's. It cannot be used again. */
  async dispose(): Promise<void> {
    await this.#compiled?.dispose();
    const networks = Object.values(this.networks);
    for (const one of [this.#inputs, this.optimizer, this.ring, this.guard, ...networks]) one.dispose();
  }
}
