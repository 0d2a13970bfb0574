import type { Parameters } from "../graph/parameters.ts";
import type { Tensor } from "../graph/tensor.ts";

/** Learning rate and weight decay of one step; `step` counts updates from 1. */
export interface Rates {
  step: number;
  lr: number;
  weightDecay: number;
  /** What an optimiser's moving average keeps of itself, where it has one; 1, all of it, when absent. */
  averageMomentum?: number;
}

/** An update rule over a model's flat buffers. */
export interface Optimizer {
  /** What must be saved to resume, each [trainedSize]. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** The numbers of one step, for the step value that `update` reads; always four. */
  numbers(rates: Rates): readonly [number, number, number, number];
  /**
   * Records one update of the parameters from their gradients. `numbers` [4] holds the step's `numbers`; `factors`
   * [segments] come from `clipGradients`: the gradients are multiplied by them, and a negative one skips the update.
   */
  update(numbers: Tensor, factors: Tensor): void;
}

/** The flat gradient, or one clear sentence. */
export function gradientsOf(name: string, { gradients }: Parameters): Tensor {
  if (!gradients) throw new Error(`${name}: this model was made without gradients`);
  return gradients;
}
