import { maeRun, type RunSettings } from "./run.ts";

/** Settings that have each the type that every run's have. */
const exampleRun = (): RunSettings =>
  maeRun({
    model: "vit_micro_patch4_32",
    data: { name: "", count: 1, width: 1, height: 1 },
    seed: 0,
    batchSize: 1,
    totalSteps: 1,
  });

/** Throws unless a value from a file is built as the settings of a run are. */
export function checkSettings(value: unknown): asserts value is RunSettings {
  checkAlike("settings", value, exampleRun());
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
