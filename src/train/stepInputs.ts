// What a step reads besides parameters: its number, its rates, its pictures' places, crops and augmentations, and what its
// method moves. All of it is data, written before each run.

import type { Device } from "../engine/gpu/device.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { type StepValue, StepValues } from "../engine/step/stepValues.ts";
import type { Method, Moment } from "../models/method.ts";
import { fillDrawn } from "../pictures/augment.ts";
import type { PictureSource } from "./pictureSource.ts";
import type { RunSettings } from "./run.ts";
import { BOX_WORDS, fillBoxes } from "./views.ts";

/** The pictures of a step, by their indices in the set, and which time in the epoch each one comes. */
interface Pictures {
  indices: Uint32Array;
  copies: Uint32Array;
}

/** The same, and where they lie on the device. */
interface Batch extends Pictures {
  places: Uint32Array;
}

/** One value of the step's buffer. */
interface Input extends StepValue {
  at(moment: Moment, batch: Batch): number | ArrayLike<number>;
}

export const boxesOf = (group: number): string => `boxes.${group}`;
export const drawnOf = (group: number, augmentation: number): string => `drawn.${group}.${augmentation}`;

/**
 * Everything that moves in a run's step, by name. `rates` gives the optimiser's numbers of a step, and those of parameters
 * that are late.
 */
export class StepInputs {
  readonly #inputs: Readonly<Record<string, Input>>;
  readonly #values: StepValues<string>;

  constructor(
    device: Device,
    settings: RunSettings,
    method: Method,
    rates: Readonly<Record<"rates" | "lateRates", (step: number) => readonly number[]>>,
  ) {
    const own = Object.entries(method.moving).map(([name, moving]) => [`${method.name}.${name}`, moving]);
    this.#inputs = {
      step: { dtype: "u32", at: ({ step }) => step },
      rates: { dtype: "f32", shape: [4], at: ({ step }) => rates.rates(step) },
      lateRates: { dtype: "f32", shape: [4], at: ({ step }) => rates.lateRates(step) },
      places: { dtype: "u32", shape: [settings.batchSize], at: (_, { places }) => places },
      ...viewInputs(settings, method),
      ...Object.fromEntries(own),
    };
    this.#values = new StepValues(device, this.#inputs);
  }

  /** The tensor that ops read. */
  tensor(name: string): Tensor {
    return this.#values.tensor(name);
  }

  /** Sets every value for a step, in queue order. */
  write(moment: Moment, pictures: Pictures, source: PictureSource): void {
    const batch = { ...pictures, places: source.place(pictures.indices) };
    const values = Object.entries(this.#inputs).map(([name, { at }]) => [name, at(moment, batch)] as const);
    this.#values.write(Object.fromEntries(values));
  }

  /** Gives the memory of all values back. */
  dispose(): void {
    this.#values.dispose();
  }
}

/** Crops, and the numbers of each augmentation, of every view group: view by view, pictures in the order of the batch. */
function viewInputs({ batchSize, data }: RunSettings, { views }: Method): Record<string, Input> {
  const inputs: Record<string, Input> = {};
  let first = 0;
  for (const [group, { count, scale, augment = [], follows }] of views.entries()) {
    if (follows !== undefined) continue;
    const firstView = first;
    /** Fills a table of `width` numbers for each picture of each view. */
    const byView = <T extends Float32Array | Uint32Array>(
      table: T,
      width: number,
      fill: (part: T, key: { seed: number; epoch: number; view: number }, batch: Batch) => void,
    ): Input["at"] => {
      return ({ seed, epoch }, batch) => {
        for (let v = 0; v < count; v++) {
          const part = table.subarray(v * batchSize * width, (v + 1) * batchSize * width) as T;
          fill(part, { seed, epoch, view: firstView + v }, batch);
        }
        return table;
      };
    };
    const { width, height } = data;
    inputs[boxesOf(group)] = {
      dtype: "u32",
      shape: [count * batchSize, BOX_WORDS],
      at: byView(
        new Uint32Array(count * batchSize * BOX_WORDS),
        BOX_WORDS,
        (part, key, { indices, places, copies }) =>
          fillBoxes(part, indices, { ...key, width, height, scale }, places, copies),
      ),
    };
    for (const [i, augmentation] of augment.entries()) {
      const { width: numbers } = augmentation;
      inputs[drawnOf(group, i)] = {
        dtype: "f32",
        shape: [count * batchSize, numbers],
        at: byView(new Float32Array(count * batchSize * numbers), numbers, (part, key, { indices, copies }) =>
          fillDrawn(part, augmentation, indices, key, copies),
        ),
      };
    }
    first += count;
  }
  return inputs;
}
