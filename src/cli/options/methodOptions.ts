// What every command about a way to pretrain shares: one subcommand for each method, and flags out of its settings.

import { type Command, Option } from "commander";
import type { Setting } from "../../models/method.ts";
import { METHODS, type MethodName } from "../../models/methods.ts";
import type { RecipeName } from "../../models/recipe.ts";
import { defaultsOf } from "../../models/settings.ts";
import { moduleOf, type RunSettings, recipeFor } from "../../train/run.ts";
import { UsageError } from "../system/errors.ts";
import { whole } from "./arguments.ts";

const METHOD_NAMES = Object.keys(METHODS) as MethodName[];

/** Pictures per step when --batch says nothing. */
export const DEFAULT_BATCH = 128;

/** The flags that say what is trained, as commander gives them. */
export interface ModelFlags {
  model?: string;
  batch?: number;
  imageSize?: number;
  recipe?: RecipeName;
  gradCheckpointing?: boolean;
}

/** Gives a command a subcommand for each method. A name that is none of theirs is told theirs. */
export function addMethods(
  command: Command,
  subcommand: (method: MethodName, about: string) => Command,
): Command {
  for (const method of METHOD_NAMES) command.addCommand(subcommand(method, moduleOf(method).about));
  command.on("command:*", ([name]: string[]) => {
    throw new UsageError(`the method must be one of ${METHOD_NAMES.join(", ")}; got ${name}`);
  });
  return command.addHelpText("after", `\nExample:\n  partwise ${command.name()} mae --help`);
}

/** Adds --model and what else says what is trained, the method's own settings last. */
export function addModelOptions(command: Command, method: MethodName): Command {
  command
    .option("--model <name>", "encoder: vit_{micro|mini|tiny|small|base|large}_patch<P>_<SIZE>")
    .option("--batch <n>", `pictures per step (default: ${DEFAULT_BATCH})`, whole(1))
    .option("--image-size <n>", "side of the model's pictures (default: the SIZE in its name)", whole(1))
    .addOption(
      new Option(
        "--recipe <name>",
        "paper: the published rates and settings; small: for small pictures and little compute (default: small up to 96 px)",
      ).choices(Object.keys(moduleOf(method).recipes)),
    )
    .option(
      "--grad-checkpointing",
      "compute blocks again for their gradients: less memory, same bits, slower",
    );
  for (const [key, setting] of settingsOf(method)) {
    const option = new Option(
      setting.flag,
      `${setting.help} (default: ${defaultText(method, key, setting)})`,
    );
    if (option.required) option.argParser((text) => parsed(setting, text));
    command.addOption(option);
    if (!option.required) command.option(offOf(option.long!), "turn that off");
  }
  return command;
}

/** The method's settings that were given, by their names in `RunSettings.config`. */
export function configOf(command: Command, method: MethodName): Record<string, unknown> {
  const given = settingsOf(method).flatMap(([key, { flag }]) => {
    const name = new Option(flag).attributeName();
    return command.getOptionValueSource(name) === "cli" ? [[key, command.getOptionValue(name)]] : [];
  });
  return Object.fromEntries(given);
}

/** The flags of `addModelOptions` that say what is trained by these settings, without those that would say what is so anyway. */
export function modelArguments({
  method,
  model,
  batchSize,
  recipe,
  encoder,
  config,
}: Pick<RunSettings, "method" | "model" | "batchSize" | "recipe" | "encoder" | "config">): string[] {
  const { settings, recipes, fitted = (_, asked) => asked } = moduleOf(method);
  const usual = fitted(encoder, { ...defaultsOf(settings), ...recipes[recipe]!.config });
  const own = settingsOf(method).flatMap(([key]) => {
    const [has, would] = [config, usual].map((one) => (one as Record<string, unknown>)[key]);
    if (`${has}` === `${would}`) return [];
    const name = flagOf(method, key);
    if (typeof has !== "boolean") return [name, `${has}`];
    return [has ? name : offOf(name)];
  });
  const { imageSize } = encoder;
  return [
    ...["--model", model, "--batch", `${batchSize}`],
    ...(model.endsWith(`_${imageSize}`) ? [] : ["--image-size", `${imageSize}`]),
    ...(recipe === recipeFor(encoder) ? [] : ["--recipe", recipe]),
    ...own,
  ];
}

/** `--mask-ratio` for maskRatio. */
export const flagOf = (method: MethodName, key: string): string =>
  new Option(new Map(settingsOf(method)).get(key)!.flag).long!;

const settingsOf = (method: MethodName) =>
  Object.entries(moduleOf(method).settings) as [string, Setting<unknown>][];

function parsed(setting: Setting<unknown>, text: string): unknown {
  try {
    return setting.parse(text);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** What recipes have where the flag is not given: the paper's, and those that differ by name. */
function defaultText(method: MethodName, key: string, { value }: Setting<unknown>): string {
  const all = Object.entries(moduleOf(method).recipes).map(([name, { config }]) => {
    const own = (config as Record<string, unknown>)[key] ?? value;
    return [name, typeof own === "boolean" ? onOrOff(own) : `${own}`] as const;
  });
  const [[, paper], ...others] = all as [(typeof all)[number], ...typeof all];
  const different = new Map<string, string[]>();
  for (const [name, own] of others) {
    if (own !== paper) different.set(own, [...(different.get(own) ?? []), name]);
  }
  const tunings = others.filter(([name]) => name.startsWith(TUNING)).length;
  const named = (names: readonly string[]): string => {
    const [tuned, rest] = [true, false].map((is) => names.filter((name) => name.startsWith(TUNING) === is));
    return [...rest!, ...(tuned!.length === tunings && tunings > 0 ? [`${TUNING}*`] : tuned!)].join(", ");
  };
  return [paper, ...[...different].map(([own, names]) => `${named(names)}: ${own}`)].join("; ");
}

/** How the names of recipes of fine-tuning begin. */
const TUNING = "finetune-";

/** The flag that turns a toggle off. */
const offOf = (flag: string): string => flag.replace("--", "--no-");

/** A toggle in words. */
export const onOrOff = (value: boolean): string => (value ? "on" : "off");
