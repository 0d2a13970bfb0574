import type { Batches } from "../data/batches.ts";
import { IMAGENET_STATISTICS } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { BOX_WORDS, cropPictures, wholeBoxes } from "../engine/ops/cropPictures.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import type { Method, ViewGroup } from "../models/method.ts";
import { standardise } from "../pictures/standardise.ts";
import type { PictureSource } from "./pictureSource.ts";
import type { RunSettings } from "./run.ts";
import { shuffledBatches } from "./shuffledBatches.ts";
import { boxesOf, drawnOf, type StepInputs } from "./stepInputs.ts";

/** Which pictures the steps of a run show, and which crops of them. */
export class StepPictures {
  readonly batches: Batches;
  readonly #device: Device;
  readonly #settings: RunSettings;
  readonly #method: Method;
  readonly #source: PictureSource;
  readonly #inputs: StepInputs;

  constructor(
    device: Device,
    settings: RunSettings,
    method: Method,
    source: PictureSource,
    inputs: StepInputs,
  ) {
    this.#device = device;
    this.#settings = settings;
    this.#method = method;
    this.#source = source;
    this.#inputs = inputs;
    const { data, batchSize, seed } = settings;
    this.batches = shuffledBatches({ count: data.count, batchSize, repeats: method.repeats }, seed);
  }

  /** Writes the inputs of a step: which pictures, which crops, which rates. */
  writeInputs(step: number): void {
    const { seed, totalSteps } = this.#settings;
    const { batches } = this;
    const position = batches.position(step);
    const { stepsPerEpoch } = batches;
    const moment = { seed, step, epoch: position.epoch, stepsPerEpoch, totalSteps };
    const pictures = { indices: batches.indices(position), copies: batches.copies(position) };
    this.#inputs.write(moment, pictures, this.#source);
  }

  /** The method's view groups of the step whose inputs were written, augmented and standardised: [count B, size, size, 3] each. */
  views(): Tensor[] {
    return this.#method.views.map((view, group) => this.#cut(view, group));
  }

  /** Classes of that step's pictures, u32 [B]. */
  labels(): Tensor {
    return indexSelect(this.#source.labels, this.#inputs.tensor("places"));
  }

  /** A step's pictures uncut, as large as the encoder's and standardised: [B, side, side, 3]. */
  whole(step: number): Tensor {
    const { shards } = this.#source;
    const places = this.#source.place(this.batches.indices(this.batches.position(step)));
    const shape = [this.#settings.batchSize, BOX_WORDS];
    const boxes = Tensor.from(this.#device, wholeBoxes(places, shards), shape, "i32");
    const size = this.#method.encoder.config.imageSize;
    return cropPictures(shards, boxes, { size, ...IMAGENET_STATISTICS });
  }

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
}
