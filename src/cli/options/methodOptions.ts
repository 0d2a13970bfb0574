// What every command about a way to pretrain shares: one subcommand for each method, and flags out of its settings.

import { type Command, Option } from "commander";
import type { Setting } from "../../models/method.ts";
import { METHODS, type MethodName } from "../../models/methods.ts";
import { RECIPES, type RecipeName } from "../../models/recipe.ts";
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
    const option = new Option(setting.flag, `${setting.help}${defaultText(method, key, setting)}`);
    if (option.required) option.argParser((text) => parsed(setting, text));
    command.addOption(option);
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
    return has === name.startsWith("--no-") ? [] : [name]; // a flag sets one of both
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

/** What a recipe has where the flag is not given; the small one only where it differs. */
function defaultText(method: MethodName, key: string, { value }: Setting<unknown>): string {
  if (typeof value === "boolean") return "";
  const { recipes } = moduleOf(method);
  const [paper, small] = RECIPES.map(
    (name) => (recipes[name].config as Record<string, unknown>)[key] ?? value,
  );
  return ` (default: ${paper}${`${small}` === `${paper}` ? "" : `; small: ${small}`})`;
}
