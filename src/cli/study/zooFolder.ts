/** A folder of encoders that were trained before, as `npm run zoo` makes it: zoo.json says what each is and who made it. */
import { join } from "node:path";
import * as v from "valibot";
import { METHODS, type MethodName } from "../../models/methods.ts";
import { vitConfig } from "../../models/vit.ts";
import type { GivenEncoder, RecordedScores } from "../../study/givenEncoders.ts";
import { type Score, withOutcomes } from "../../study/outcomes.ts";
import { type CellPlan, firstChange } from "../../study/plan.ts";
import type { Readout } from "../../study/readouts.ts";
import type { Saved } from "../../train/checkpoint.ts";
import { openSaved } from "../../train/encoderFile.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { readBytes } from "../system/files.ts";
import { sha256Of } from "../system/sha256.ts";

export const ZOO_INDEX = "zoo.json";
const FORMAT = "partwise.zoo.2";

const text = v.pipe(v.string(), v.minLength(1));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const score = { target: text, reading: text, probe: text, score: v.number() };
const fileName = v.pipe(v.string(), v.regex(/^\w[\w.-]*$/, "must be the name of a file beside zoo.json"));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"));

const recorded = v.looseObject({
  plan: v.looseObject({}),
  adapter: text,
  scores: v.array(v.looseObject(score)),
  first: v.optional(
    v.looseObject({
      file: fileName,
      sha256: hash,
      scores: v.array(v.looseObject({ ...score, floor: v.number() })),
    }),
  ),
});

const index = v.looseObject({
  format: v.literal(FORMAT),
  encoders: v.pipe(
    v.array(
      v.looseObject({
        method: v.picklist(Object.keys(METHODS) as [MethodName, ...MethodName[]]),
        seed: count,
        file: fileName,
        sha256: hash,
        data: text,
        pictures: count,
        seconds: v.number(),
        adapter: v.looseObject({ description: text }),
        command: text,
        recorded: v.optional(recorded),
      }),
    ),
    v.minLength(1),
    v.check(
      (list) => new Set(list.map(({ method, seed }) => `${method}-${seed}`)).size === list.length,
      "must be of different methods or seeds",
    ),
  ),
});

/** The encoders of a folder in the order of its zoo.json. What is wrong with it is a `UsageError`. */
export async function readZoo(folder: string): Promise<GivenEncoder[]> {
  const path = join(folder, ZOO_INDEX);
  const found = v.safeParse(index, await json(path), { abortEarly: true });
  if (!found.success) {
    const [issue] = found.issues;
    throw new UsageError(
      `${path}: ${v.getDotPath(issue) ?? "the file"}: ${issue.message}. \`npm run zoo\` writes it`,
    );
  }
  return found.output.encoders.map(
    ({ method, seed, file, sha256, data, pictures, seconds, adapter, command, recorded: scores }) => ({
      ...{ method, seed, sha256, data, pictures, seconds, command },
      file: join(folder, file),
      adapter: adapter.description,
      ...(scores && { recorded: recordedIn(folder, scores as unknown as RecordedScores) }),
    }),
  );
}

/** With the path of its file. */
const recordedIn = (folder: string, { first, ...scores }: RecordedScores): RecordedScores => ({
  ...scores,
  ...(first && { first: { ...first, file: join(folder, first.file) } }),
});

async function json(path: string): Promise<unknown> {
  const bytes = await readBytes(path);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new UsageError(`${path}: must be JSON; ${(error as Error).message}`, { cause: error });
  }
}

/** What an encoder must have in common with a study's model. */
const SHAPE = ["imageSize", "patchSize", "embedDim", "depth", "numHeads"] as const;

/** Reads a file that zoo.json names. */
async function readNamed({ file, sha256 }: Pick<GivenEncoder, "file" | "sha256">): Promise<Uint8Array> {
  const bytes = await readBytes(file);
  const found = sha256Of(bytes);
  if (found === sha256) return bytes;
  throw new UsageError(
    `${file}: must have the SHA-256 ${sha256}, as zoo.json says; got ${found}. Is it another file, or not whole?`,
  );
}

/** What an encoder scored before its first step, as it was recorded; null where it was not, or was by another plan. */
export async function recordedFirst({ recorded }: GivenEncoder, plan: CellPlan): Promise<Readout[] | null> {
  if (!recorded?.first || firstChange(recorded.plan, plan) !== null) return null;
  const { first } = recorded;
  const bytes = await readNamed(first);
  return asUsage(() => withOutcomes(first.scores as readonly Score[], bytes));
}

/** Opens the file of an encoder and holds it to its hash, to its method and to a study's model. */
export async function openGiven(given: GivenEncoder, model: string): Promise<Saved> {
  const { file, method } = given;
  const bytes = await readNamed(given);
  const source = {
    size: bytes.length,
    read: async (offset: number, length: number) => bytes.slice(offset, offset + length),
  };
  const saved = await asUsage(() => openSaved(file, source));
  const { settings } = saved.info;
  if (settings.method !== method) {
    throw new UsageError(`${file}: must be of ${method}, as zoo.json says; got ${settings.method}`);
  }
  const shape = vitConfig(model);
  const other = SHAPE.find((key) => settings.encoder[key] !== shape[key]);
  if (other !== undefined) {
    throw new UsageError(
      `${file}: must be a ${model}, as the study's encoders; its ${other} is ${settings.encoder[other]} and not ${shape[other]}`,
    );
  }
  return saved;
}
