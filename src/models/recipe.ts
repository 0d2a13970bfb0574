import type { ClipOptions } from "../engine/optim/clip.ts";
import { constant, cosine, linspaceCosine, type Schedule, warmupCosine } from "../engine/step/schedule.ts";

/** How a number moves through a run, as JSON; `base` is absolute. */
export type ScheduleSpec =
  | { kind: "constant"; value: number }
  /** Half a cosine over the whole run. */
  | { kind: "cosine"; from: number; to: number }
  /** MAE's and MoCo v3's: base t / warmupSteps, then half a cosine to min. */
  | { kind: "warmupCosine"; base: number; min: number; warmupSteps: number }
  /** DINO's: linspace(0, base, warmupSteps), then half a cosine towards min. */
  | { kind: "linspaceCosine"; base: number; min: number; warmupSteps: number };

/** The schedule of a run of so many steps. */
export function scheduleOf(spec: ScheduleSpec, totalSteps: number): Schedule {
  switch (spec.kind) {
    case "constant":
      return constant(spec.value);
    case "cosine":
      return cosine({ from: spec.from, to: spec.to, steps: totalSteps });
    case "warmupCosine":
      return warmupCosine({ ...spec, totalSteps });
    case "linspaceCosine":
      return linspaceCosine({ ...spec, totalSteps });
  }
}

/** How a method is trained, as data: the published recipe, or one for small pictures on little compute. */
export interface Recipe<C extends object> {
  /** Where it is from. */
  source: string;
  batchSize: number;
  epochs: number;
  betas: readonly [number, number];
  lr: {
    kind: "warmupCosine" | "linspaceCosine";
    /** For a batch of `per` pictures (the papers' linear rule), or as it stands where `per` is absent. */
    base: number;
    per?: number;
    /** Where the rate ends, whatever the batch, as in the official programs; a rate that is lower stays as it is. */
    min: number;
    /** Share of the run. */
    warmup: number;
  };
  /** One number, or from one to another by half a cosine. */
  weightDecay: number | readonly [number, number];
  clip: Required<ClipOptions> | null;
  /** Settings of the method that differ from their defaults. */
  config: Partial<C>;
}

/** The recipes that every method has. */
export const RECIPES = ["paper", "small"] as const;
/** Those of fine-tuning, which supervised training alone has. */
export type FineTuningName =
  | "finetune-mae"
  | "finetune-beit"
  | "finetune-data2vec"
  | "finetune-cae"
  | "finetune-small";
export type RecipeName = (typeof RECIPES)[number] | FineTuningName;
/** By name; the first two are always there. */
export type Recipes<C extends object> = Readonly<
  Record<(typeof RECIPES)[number], Recipe<C>> & Partial<Record<FineTuningName, Recipe<C>>>
>;

/** A share of a run as the papers say it, so many epochs of all. (A call, since bundlers keep what a division stands in.) */
/* @__NO_SIDE_EFFECTS__ */
export function epochsOf(epochs: number, all: number): number {
  return epochs / all;
}
