import type { Batches } from "../data/batches.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import { type CompiledStep, compile, type Outputs } from "../engine/capture/compile.ts";
import type { TimedDispatch } from "../engine/capture/timing.ts";
import type { Device } from "../engine/gpu/device.ts";
import { grad } from "../engine/graph/autograd.ts";
import { Guard } from "../engine/graph/guard.ts";
import { LossScale } from "../engine/graph/lossScale.ts";
import { type NamedValues, Parameters } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { BOX_WORDS, cropPictures, wholeBoxes } from "../engine/ops/cropPictures.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { adamw } from "../engine/optim/adamw.ts";
import { clipGradients } from "../engine/optim/clip.ts";
import type { Optimizer } from "../engine/optim/optimizer.ts";
import { MetricRing } from "../engine/step/metricRing.ts";
import type { Schedule } from "../engine/step/schedule.ts";
import type { Method, Seeing, ViewGroup } from "../models/method.ts";
import { scheduleOf } from "../models/recipe.ts";
import { standardise } from "../pictures/standardise.ts";
import type { PictureSource } from "./pictureSource.ts";
import { methodOf, type RunSettings } from "./run.ts";
import { shuffledBatches } from "./shuffledBatches.ts";
import { boxesOf, drawnOf, StepInputs } from "./stepInputs.ts";

/** What must be saved to go on exactly: every number on the GPU that a step changes. */
export interface TrainerState {
  /** Updates made so far; after a step that was not finite, those before it. */
  step: number;
  /** By the prefixes of `Trainer.kept` and the parameters' names. */
  tensors: Map<string, NamedValues>;
}

/** What a step shows its networks, standardised pictures on the device. */
export interface Look {
  pictures: Tensor;
  /** One tensor for each of the method's view groups. */
  views: readonly Tensor[];
  /** See `Method.sights`. */
  sights: Readonly<Record<string, Tensor>>;
}

/** Tensors on the device that a run keeps, laid out as the values or the trained ones of `layout`. */
export interface Kept {
  tensors: readonly Tensor[];
  layout: Parameters;
}

/** Before the names of a network's parameters in a checkpoint: nothing for the trained one, `teacher.` for another. */
export const prefixOf = (networks: Readonly<Record<string, unknown>>, name: string): string =>
  name === Object.keys(networks)[0] ? "" : `${name}.`;

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
  readonly batches: Batches;
  readonly #source: PictureSource;
  readonly #inputs: StepInputs;
  readonly #rate: Schedule;
  readonly #options: TrainerOptions;
  #compiled: CompiledStep<Outputs> | null = null;
  /** Resolves when the buffers hold what the method finds in the pictures, or what a saved run found. */
  #found: Promise<void> | null = null;
  #step = 0;
  /** The step of the state that was last put in. */
  #origin = 0;

  constructor(device: Device, settings: RunSettings, source: PictureSource, options: TrainerOptions = {}) {
    const { seed, batchSize, betas, lr, weightDecay, totalSteps, data, precision = "f32" } = settings;
    if (device.precision !== precision) {
      throw new Error(
        `Trainer: the device must be of the run's precision, ${precision}; got ${device.precision}. Open it with { precision }`,
      );
    }
    this.device = device;
    this.settings = settings;
    this.method = methodOf(settings);
    this.#source = source;
    this.#options = options;
    const networks = Object.entries(this.method.networks(seed));
    const cut = options.shardBytes === undefined ? {} : { shardBytes: options.shardBytes };
    this.networks = Object.fromEntries(
      networks.map(([name, specs], i) => [
        name,
        new Parameters(device, specs, { gradients: i === 0, ...cut }),
      ]),
    );
    const optimizer = adamw(this.trained, { beta1: betas[0], beta2: betas[1] });
    this.optimizer = optimizer;
    this.guard = new Guard(device, precision === "f16" ? new LossScale(device) : null);
    const scaling = precision === "f16" ? ["lossScale", "skipped"] : [];
    this.ring = new MetricRing(device, ["loss", "gradNorm", ...this.method.metrics, ...scaling]);
    const { repeats } = this.method;
    this.batches = shuffledBatches({ count: data.count, batchSize, repeats }, seed);
    this.#rate = scheduleOf(lr, totalSteps);
    const decay = scheduleOf(weightDecay, totalSteps);
    const ratesFrom = (start: number) => (step: number) =>
      optimizer.numbers({
        step: Math.max(0, step + 1 - start),
        lr: this.#rate(step),
        weightDecay: decay(step),
      });
    this.#inputs = new StepInputs(device, settings, this.method, {
      rates: ratesFrom(0),
      lateRates: ratesFrom(this.method.lateStart?.(totalSteps) ?? 0),
    });
  }

  /** The network whose parameters the optimiser moves. */
  get trained(): Parameters {
    return Object.values(this.networks)[0]!;
  }

  /** The network that probes read. */
  get encoder(): Parameters {
    return this.networks[this.method.encoder.network]!;
  }

  /** Steps submitted so far; the next one has this number. */
  get step(): number {
    return this.#step;
  }

  /** Learning rate of a step. */
  rateAt(step: number): number {
    return this.#rate(step);
  }

  /**
   * Fills what the method finds in the run's pictures, once, unless a saved state brought it; `given` brings it from elsewhere,
   * a tokenizer of another run or the teacher that a method must be given, by the names that it has in a checkpoint. Throws one
   * sentence where it is not the method's.
   */
  ready(given?: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.#found ??= this.#find(given);
    return this.#found;
  }

  async #find(given?: ReadonlyMap<string, Float32Array>): Promise<void> {
    const { device, settings, method, networks } = this;
    const views = (step: number) => {
      this.#writeInputsOf(step);
      return device.tidy(() => method.views.map((view, group) => this.#cut(view, group)));
    };
    const wanted = new Map(
      Object.entries(networks).flatMap(([network, params]) =>
        [...params.views(params.values)].map(([name, view]) => [prefixOf(networks, network) + name, view]),
      ),
    );
    for (const network of method.given ?? []) {
      const missing = networks[network]!.segments.find(({ name }) => !given?.has(`${network}.${name}`));
      if (!missing) continue;
      throw new Error(
        `${method.name}: the run must be given all values of its ${network}; got none of ${missing.name}. ` +
          "Pass them to Trainer.ready",
      );
    }
    const found = given ?? (await method.prepare?.({ device, seed: settings.seed, views })) ?? [];
    for (const [name, values] of found) {
      const buffer = wanted.get(name);
      if (buffer?.size !== values.length) {
        throw new Error(
          `${method.name}: ${name} must hold ${buffer?.size ?? 0} values; got ${values.length}. ` +
            "Was it found by another model?",
        );
      }
      buffer.write(values);
    }
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
      labels: indexSelect(this.#source.labels, this.#inputs.tensor("places")),
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
      views: method.views.map((view, group) => this.#cut(view, group)),
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
      return { pictures: this.#whole(), views, sights: this.method.sights?.(seeing) ?? {} };
    });
  }

  /** The pictures of the step whose inputs were written, uncut. */
  #whole(): Tensor {
    const { shards } = this.#source;
    const { batchSize } = this.settings;
    const places = this.#source.place(this.batches.indices(this.batches.position(this.#step)));
    const boxes = Tensor.from(this.device, wholeBoxes(places, shards), [batchSize, BOX_WORDS], "i32");
    const size = this.method.encoder.config.imageSize;
    return cropPictures(shards, boxes, { size, ...IMAGENET_STATISTICS });
  }

  /** The crops of one size, augmented and standardised: [count B, size, size, 3]. */
  #cut({ size, filter = "bicubic", augment = [], follows }: ViewGroup, group: number): Tensor {
    const source = follows ?? group;
    const boxes = this.#inputs.tensor(boxesOf(source));
    const crop = { size, filter, ...IMAGENET_STATISTICS };
    if (augment.length === 0) return cropPictures(this.#source.shards, boxes, crop);
    let levels = cropPictures(this.#source.shards, boxes, { ...crop, levels: true });
    for (const [i, { apply }] of augment.entries()) {
      levels = apply(levels, this.#inputs.tensor(drawnOf(source, i)));
    }
    return standardise(levels, IMAGENET_STATISTICS);
  }

  /** Writes the inputs of the next step: which pictures, which crops, which rates. */
  writeInputs(): void {
    this.#writeInputsOf(this.#step);
  }

  #writeInputsOf(step: number): void {
    const { seed, totalSteps } = this.settings;
    const { batches } = this;
    const { stepsPerEpoch } = batches;
    const position = batches.position(step);
    const moment = { seed, step, epoch: position.epoch, stepsPerEpoch, totalSteps };
    const pictures = { indices: batches.indices(position), copies: batches.copies(position) };
    this.#inputs.write(moment, pictures, this.#source);
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

  /** Every number on the GPU that a step changes, by the prefix of its names in a checkpoint. */
  kept(): Record<string, Kept> {
    const networks = Object.entries(this.networks).map(([name, layout]): [string, Kept] => [
      prefixOf(this.networks, name),
      { tensors: layout.values, layout },
    ]);
    const moments = Object.entries(this.optimizer.state).map(([name, tensors]): [string, Kept] => [
      `optimizer.${name}.`,
      { tensors, layout: this.trained },
    ]);
    const { scale } = this.guard;
    const scaling: [string, Kept][] = scale
      ? [["lossScale.", { tensors: scale.kept.values, layout: scale.kept }]]
      : [];
    return Object.fromEntries([...networks, ...moments, ...scaling]);
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
