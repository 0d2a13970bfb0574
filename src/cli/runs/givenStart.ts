// `--from RUN` of `partwise pretrain supervised`: fine-tuning, and its accuracy at the end.

import { createHash } from "node:crypto";
import { type Command, Option } from "commander";
import type { Split } from "../../data/dataFormat.ts";
import { checkEvaluation } from "../../data/evaluationPair.ts";
import { IMAGENET_STATISTICS, type ImageSet } from "../../data/images.ts";
import { testClassifier } from "../../eval/classifier.ts";
import type { MethodName } from "../../models/methods.ts";
import type { FineTuningName, RecipeName } from "../../models/recipe.ts";
import type { SupervisedConfig } from "../../models/supervised.ts";
import { moduleOf, type RunSettings, recipeFor } from "../../train/run.ts";
import { readStart, type Start } from "../../train/startFrom.ts";
import type { Trainer } from "../../train/trainer.ts";
import { path } from "../options/arguments.ts";
import type { ModelFlags } from "../options/methodOptions.ts";
import { type DataChoice, loadSplit } from "../pictures/datasets.ts";
import { accuracy, guesses } from "../system/accuracyLine.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { printLine, printNote } from "../system/output.ts";
import { readCheckpoint } from "./runFolder.ts";

/** An encoder that a run starts from. */
export interface GivenStart extends Start {
  /** Of its values, hexadecimal. */
  sha256: string;
}

/** The flags that matter here. */
interface StartFlags extends ModelFlags {
  method: MethodName;
  /** The run whose encoder is started from. */
  from?: string;
  /** What is in it. */
  start?: GivenStart;
}

/** Adds the flag where the method fine-tunes. */
export function addStartOption(command: Command, method: MethodName): void {
  if (!("finetune-mae" in moduleOf(method).recipes)) return;
  const text =
    "fine-tune the encoder of another run: its folder, or its checkpoint; --model is then its own, and --recipe one of finetune-*";
  command.addOption(new Option("--from <run>", text).argParser(path).conflicts(["imageSize", "distill"]));
}

/** The flags with the encoder they name, its model, and a recipe unless one is given. One of no use is a `UsageError` that names it. */
export async function withStart<F extends StartFlags>(flags: F): Promise<F> {
  const { from: run } = flags;
  if (run === undefined) return flags;
  const checkpoint = await readCheckpoint(run);
  try {
    const start = await asUsage(() => readStart(checkpoint));
    const { model = start.model, recipe = recipeOf(start) } = flags;
    if (model !== start.model) {
      throw new UsageError(`--model must be that of ${run}, ${start.model}; got ${model}. Leave it out`);
    }
    const hash = createHash("sha256");
    for (const values of start.values.values()) hash.update(values);
    return { ...flags, model, recipe, start: { ...start, sha256: hash.digest("hex") } };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace(/^readStart/, run), { cause: error });
  } finally {
    await checkpoint.close();
  }
}

/** The recipe of the method that the encoder is of, MAE's where that has none; for small pictures the small one. */
function recipeOf({ method, encoder }: Start): RecipeName {
  if (recipeFor(encoder) === "small") return "finetune-small";
  const own = `finetune-${method}`;
  return own in moduleOf("supervised").recipes ? (own as FineTuningName) : "finetune-mae";
}

/** Pictures of both splits, to end a fine-tuning by its accuracy; null for a run that starts from first values. */
export async function gradedPictures(
  { start }: RunSettings,
  choice: DataChoice,
  train: ImageSet,
  drawnSize: number,
): Promise<Record<Split, ImageSet> | null> {
  if (start === undefined) return null;
  const test = await loadSplit(choice, "test", { drawnSize });
  await asUsage(() => checkEvaluation(train, test, printNote));
  return { train, test };
}

/** Prints the accuracy of a fine-tuned classifier, and returns it for the line of JSON. */
export async function grade(
  { device, trained, method, settings }: Trainer,
  sets: Record<Split, ImageSet>,
): Promise<Record<string, unknown>> {
  const config = settings.config as SupervisedConfig;
  const classifier = { params: trained, encoder: method.encoder.config, config };
  const { hits: _, ...found } = await testClassifier(device, classifier, sets, {
    statistics: IMAGENET_STATISTICS,
  });
  printLine(`${sets.test.count} test pictures: ${accuracy(found)}`);
  printLine(guesses(found));
  return { accuracy: { test: sets.test.count, ...found } };
}
