import type { Parameters } from "../graph/parameters.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type ShardTable, segmentTable } from "./segments.ts";

/** Learning rate and weight decay of one step. */
export interface Rates {
  /**
   * Counts updates from 1, those among them that a negative factor skips, which torch's optimisers do not count; 0 for a step
   * that leaves everything as it is, which AdamW alone knows.
   */
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
   * `late` [4] holds the numbers of shards whose parameters are late, where their updates are counted apart. The graph does
   * not notice: a gradient of what was computed before it, taken after it, mixes old values and new.
   */
  update(numbers: Tensor, factors: Tensor, late?: Tensor): void;
  /** Gives the memory of the state back. */
  dispose(): void;
}

/** What an optimiser works on, shard by shard. */
export interface TrainedShard extends ShardTable {
  values: Tensor;
  gradients: Tensor;
  late: boolean;
}

/** Gives the memory of an optimiser's state back. */
export function disposeOf(state: Optimizer["state"]): void {
  for (const tensors of Object.values(state)) for (const tensor of tensors) tensor.dispose();
}

/** Throws one sentence if a parameter is late: an update rule without a number that leaves everything as it is. */
export function refuseLate(name: string, { segments }: Parameters): void {
  const late = segments.find((segment) => segment.late);
  if (late) {
    throw new Error(
      `${name}: no parameter may be late, since only adamw can hold one still; got ${late.name}. Use adamw`,
    );
  }
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
