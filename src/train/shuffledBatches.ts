import { type Batches, type BatchOptions, planBatches } from "../data/batches.ts";
import { Random } from "../engine/random.ts";

/** The batches of a run: each epoch in an order of its own, a pure function of the seed. */
export const shuffledBatches = (
  options: Pick<BatchOptions, "count" | "batchSize" | "repeats">,
  seed: number,
): Batches =>
  planBatches({
    ...options,
    shuffle(epoch) {
      const random = new Random(seed, "order", epoch);
      return () => random.nextU32();
    },
  });
