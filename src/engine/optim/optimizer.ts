import type { Parameters } from "../graph/parameters.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type ShardTable, segmentTable } from "./segments.ts";

/** Learning rate and weight decay of one step. */
export interface Rates {
  /** Counts updates from 1; 0 for a step that leaves everything as it is, which AdamW alone knows. */
  step: number;
  lr: number;
  weightDecay: number;
  /** What an optimiser's moving average keeps of itself, where it has one; 1, all of it, when absent. */
  averageMomentum?: number;
}

/** An update rule over a model's shards. */
export interface Optimizer {
  /** What must be saved to resume, each laid out as `Parameters.trained`. */
  readonly state: Readonly<Record<string, readonly Tensor[]>>;
  /** The numbers of one step, for the step value that `update` reads; always four. */
  numbers(rates: Rates): readonly [number, number, number, number];
  /**
   * Records one update of the parameters from their gradients. `numbers` [4] holds the step's `numbers`; `factors`
   * [segments] come from `clipGradients`: the gradients are multiplied by them, and a negative one skips the update.
   * `late` [4] holds the numbers of shards whose parameters are late, where their updates are counted apart.
   */
  update(numbers: Tensor, factors: Tensor, late?: Tensor): void;
}

/** What an optimiser works on, shard by shard. */
export interface TrainedShard extends ShardTable {
  values: Tensor;
  gradients: Tensor;
  late: boolean;
}

/** The trained shards of a model, or one clear sentence. */
export function trainedShards(name: string, parameters: Parameters): TrainedShard[] {
  const { trained, gradients, segments } = parameters;
  if (!gradients) throw new Error(`${name}: this model was made without gradients`);
  const { shards } = segmentTable(parameters);
  return trained.map((values, i) => {
    const { late } = segments.find(({ shard }) => shard === i)!;
    return { values, gradients: gradients[i]!, late, ...shards[i]! };
  });
}
