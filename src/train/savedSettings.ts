import { METHODS } from "../models/methods.ts";
import type { ScheduleSpec } from "../models/recipe.ts";
import { inTodaysWords } from "../models/settings.ts";
import { FORMAT_ONE, type FormerSettings, formerExample, fromFormatOne } from "./formatOne.ts";
import { methodOf, moduleOf, type RunSettings, runSettings } from "./run.ts";

export const FORMAT = "partwise.checkpoint.2";

/** The formats that can be read. */
export const FORMATS: readonly unknown[] = [FORMAT, FORMAT_ONE];

/** The settings of a run from a file, whoever wrote it. Throws one sentence unless they are whole. */
export function settingsIn(format: unknown, value: unknown): RunSettings {
  if (format === FORMAT_ONE) {
    checkAlike("settings", value, formerExample());
    return made(fromFormatOne(value as FormerSettings));
  }
  const { method, recipe } = (value ?? {}) as Partial<RunSettings>;
  checkAlike("settings", value, { ...exampleOf("mae"), config: {} });
  checkOneOf("settings.method", method, Object.keys(METHODS));
  checkOneOf("settings.recipe", recipe, Object.keys(moduleOf(method!).recipes));
  const settings = withLaterSettings(value as RunSettings);
  checkAlike("settings", settings, exampleOf(method!));
  const { lr, weightDecay, clip, config, precision = "f32" } = settings;
  const { dalle } = config as { dalle?: unknown };
  if (dalle !== undefined) {
    checkAlike("settings.config.dalle", dalle, { width: 0, blocksPerGroup: 0, tokens: 0 });
  }
  checkSchedule("settings.lr", lr, ["warmupCosine", "linspaceCosine"]);
  checkSchedule("settings.weightDecay", weightDecay, ["constant", "cosine"]);
  if (clip !== null) checkAlike("settings.clip", clip, { limit: 0, by: "" });
  checkOneOf("settings.precision", precision, ["f32", "f16"]);
  return made(settings);
}

/** A run of before its method gained settings, with the values that it had of them. */
export function withLaterSettings(settings: RunSettings): RunSettings {
  const { method, totalSteps, batchSize, data } = settings;
  const epochs = totalSteps / Math.floor(data.count / batchSize);
  const config = inTodaysWords(moduleOf(method).settings, settings.config, { epochs });
  // A mask ratio of 0 was accepted once, and trained at MAE's .75.
  const known = "maskRatio" in config && config.maskRatio === 0 ? { ...config, maskRatio: 0.75 } : config;
  return { ...settings, config: known };
}

/** Settings of a method that have each the type that every run's have; schedules and clipping are of several kinds. */
function exampleOf(method: RunSettings["method"]): object {
  const { config, encoder, betas } = runSettings({
    method,
    recipe: "small",
    model: "vit_micro_patch4_32",
    data: { name: "", count: 64, width: 1, height: 1, classes: 2 },
    seed: 0,
    batchSize: 64,
    totalSteps: 1,
  });
  const data = { name: "", count: 0, width: 0, height: 0 };
  return { method, config, model: "", encoder, data, seed: 0, batchSize: 0, totalSteps: 0, betas };
}

/** One of each kind. */
const SCHEDULES: { readonly [K in ScheduleSpec["kind"]]: Extract<ScheduleSpec, { kind: K }> } = {
  constant: { kind: "constant", value: 0 },
  cosine: { kind: "cosine", from: 0, to: 0 },
  warmupCosine: { kind: "warmupCosine", base: 0, min: 0, warmupSteps: 0 },
  linspaceCosine: { kind: "linspaceCosine", base: 0, min: 0, warmupSteps: 0 },
};

function checkSchedule(path: string, value: ScheduleSpec, kinds: readonly ScheduleSpec["kind"][]): void {
  checkAlike(path, value, { kind: "" });
  checkOneOf(`${path}.kind`, value.kind, kinds);
  checkAlike(path, value, SCHEDULES[value.kind]);
}

/** Settings that a method can be made of. */
function made(settings: RunSettings): RunSettings {
  methodOf(settings);
  return settings;
}

function checkOneOf(path: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value === "string" && allowed.includes(value)) return;
  throw new Error(
    `${path} in its metadata must be one of ${allowed.join(", ")}; got ${JSON.stringify(value)}`,
  );
}

/** Throws unless `value` has all that `example` has, of the same types; null there stands for nothing or a number. */
function checkAlike(path: string, value: unknown, example: unknown): void {
  const wanted = kindOf(example);
  const got = kindOf(value);
  if (wanted !== got && !(wanted === "nothing" && got === "a number")) {
    const given = JSON.stringify(value)?.slice(0, 60) ?? "nothing";
    throw new Error(`${path} in its metadata must be ${wanted}; got ${given}`);
  }
  if (typeof example !== "object" || example === null) return;
  for (const [key, part] of Object.entries(example)) {
    checkAlike(`${path}.${key}`, (value as Record<string, unknown>)[key], part);
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
