import { moduleOf, type RunSettings } from "../../train/run.ts";
import type { RunFlags } from "./runSettings.ts";

/**
 * One sentence where a run takes a recipe's absolute rate to batches of another size than the recipe's, null elsewhere. As in
 * the papers' programs such a rate stays as it is: only rates per so many pictures are scaled.
 */
export function rateNote(
  { lr, baseRate }: Pick<RunFlags, "lr" | "baseRate">,
  { method, recipe, batchSize, lr: { base } }: RunSettings,
): string | null {
  const { batchSize: published, lr: rate } = moduleOf(method).recipes[recipe]!;
  const isGiven = lr !== undefined || baseRate !== undefined;
  if (isGiven || rate.per !== undefined || batchSize === published) return null;
  const per256 = Number(((base * 256) / published).toPrecision(6));
  return (
    `the rate ${base} is the ${recipe} recipe's for batches of ${published} and stays so for ${batchSize}; ` +
    `take --batch ${published}, or --base-rate ${per256} to scale it`
  );
}
