/** The file of a study: YAML, checked against a schema, with defaults for what it may leave out. */
import { join } from "node:path";
import * as v from "valibot";
import { parseDocument } from "yaml";
import { SEGMENTATION_RECIPES } from "../../eval/segmentation/recipe.ts";
import type { Setting } from "../../models/method.ts";
import { METHODS, type MethodName } from "../../models/methods.ts";
import { vitConfig } from "../../models/vit.ts";
import { cellSettings } from "../../study/cell.ts";
import type { StudyPlan } from "../../study/plan.ts";
import { ASKED, PROBES } from "../../study/probes.ts";
import { moduleOf } from "../../train/run.ts";
import { UsageError } from "../system/errors.ts";
import { kindOf, readBytes } from "../system/files.ts";
import { printNote } from "../system/output.ts";
import { ownFile } from "../system/versions.ts";
import { checkMasks } from "./masks.ts";
import { readZoo, ZOO_INDEX } from "./zooFolder.ts";

const count = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(2 ** 32 - 1));
const distinct = <T>(item: v.GenericSchema<T>) =>
  v.pipe(
    v.array(item),
    v.minLength(1),
    v.check((list) => new Set(list).size === list.length, "must be different ones"),
  );
const seeds = distinct(count(0));

const names = Object.keys(METHODS) as [MethodName, ...MethodName[]];
const folderPath = v.optional(v.pipe(v.string(), v.minLength(1)));

const data = v.strictObject({
  source: folderPath,
  train: count(2),
  probe: count(2),
  test: count(2),
  parts: v.optional(count(0), 0),
  partsFrom: folderPath,
  masksFrom: folderPath,
  objectMasksFrom: folderPath,
  methods: v.optional(distinct(v.picklist(names))),
  encoders: folderPath,
});

const method = v.strictObject({
  batch: v.optional(count(1)),
  lr: v.optional(v.pipe(v.number(), v.gtValue(0), v.finite())),
  pictures: v.optional(count(1)),
  tuned: v.optional(count(0)),
  config: v.optional(v.record(v.string(), v.unknown())),
});

/** A set's name is that of its folder below the study's. */
const folder = v.pipe(v.string(), v.regex(/^\w[\w-]*$/, "must be letters, digits and dashes"));

/** Whether an encoder has this name. */
function isModel(name: string): boolean {
  try {
    vitConfig(name);
    return true;
  } catch {
    return false; // what it should be is said of the file's place
  }
}

const schema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[\w.-]+$/, "must be letters, digits, dots and dashes")),
  model: v.pipe(v.string(), v.check(isModel, "must be the name of an encoder, as vit_micro_patch4_32")),
  pictures: count(1),
  seeds,
  floorSeeds: seeds,
  data: v.pipe(v.record(folder, data), v.minEntries(1)),
  methods: v.record(v.picklist(names), method),
  first: v.optional(v.boolean()),
  neighbours: v.optional(count(1), 20),
  probes: v.optional(distinct(v.picklist(ASKED)), [...PROBES]),
  linearEpochs: v.optional(count(1), 30),
  attentiveEpochs: v.optional(count(1), 30),
  segmentationUpdates: v.optional(count(1), SEGMENTATION_RECIPES.small.updates),
});

/** Longest file that is read. */
const MOST_BYTES = 2 ** 20;

/** Studies that the package has, by the name that stands for their file. */
export const PRESETS = ["look", "quick", "small", "paper"] as const;

/** What a person names beside the file. */
export interface StudyChoices {
  /** This set alone. */
  set?: string | undefined;
  /** Folders, for a set that leaves them open. */
  data?: string | undefined;
  partsFrom?: string | undefined;
  /** Whether single runs are measured before their first step, whatever the file says. */
  first?: boolean | undefined;
  /** Told in a sentence what is left out. */
  note?: (sentence: string) => void;
}

/** Reads and checks a study's file, or a preset. What is wrong is a `UsageError` that says where. */
export async function readStudy(file: string, choices: StudyChoices = {}): Promise<StudyPlan> {
  const isPreset = (PRESETS as readonly string[]).includes(file) && (await kindOf(file)) === null;
  const path = isPreset ? ownFile(join("studies", `${file}.yaml`)) : file;
  const text = new TextDecoder().decode(await readBytes(path, MOST_BYTES));
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) throw new UsageError(`${path}: must be YAML; ${problem.message.split("\n")[0]}`);
  const found = v.safeParse(schema, document.toJS({ maxAliasCount: 10 }), { abortEarly: true });
  if (!found.success) {
    const [issue] = found.issues;
    const where = v.getDotPath(issue) ?? "the file";
    throw new UsageError(`${path}: ${where}: ${issue.message}`);
  }
  const sets = withFolders(path, chosenOf(found.output.data, choices), choices);
  const first = choices.first || found.output.first;
  const plan = { ...found.output, first, data: await withEncoders(sets, isPreset, choices) };
  checkMasks(path, plan);
  checkMethods(path, plan);
  return plan;
}

type Given = v.InferOutput<typeof schema>["data"];
type Filled = Given[string] & { source: string };

/** The set that is asked for, or all. */
function chosenOf(sets: Given, { set: name }: StudyChoices): Given {
  if (name === undefined) return sets;
  const set = Object.hasOwn(sets, name) ? sets[name] : undefined;
  if (set) return { [name]: set };
  throw new UsageError(
    `--set must be one of those of the study, ${Object.keys(sets).join(", ")}; got ${name}`,
  );
}

/** Sets with the folders that were named for them. One that is named for none, or by nobody, is a `UsageError`. */
function withFolders(path: string, sets: Given, { data, partsFrom }: StudyChoices): Record<string, Filled> {
  const open = Object.entries(sets).filter(([, { source }]) => source === undefined);
  if (data !== undefined && open.length === 0) {
    throw new UsageError(`--data is for a study with a set without source; ${path} has none`);
  }
  const filled = Object.entries(sets).map(([name, { source = data, ...set }]) => {
    if (source === undefined) {
      throw new UsageError(
        `${path}: data.${name}.source: must be a set or a folder; got none. Add --data FOLDER`,
      );
    }
    const isOpen = open.some(([own]) => own === name) && set.partsFrom === undefined;
    const whole = { ...set, source, ...(isOpen && partsFrom !== undefined && { partsFrom }) };
    if (whole.partsFrom !== undefined && whole.parts === 0) {
      throw new UsageError(
        `${path}: data.${name}.parts: must be above 0 where partsFrom names a folder; got 0`,
      );
    }
    return [name, whole] as const;
  });
  if (partsFrom !== undefined && !filled.some(([, set]) => set.partsFrom === partsFrom)) {
    throw new UsageError(`--parts-from is for a set that leaves its folders open; ${path} has none`);
  }
  return Object.fromEntries(filled);
}

/** Sets with the encoders of the folders that they name. A preset has those of the repository, and does without where there are none. */
async function withEncoders(
  sets: Record<string, Filled>,
  isPreset: boolean,
  { note = printNote }: StudyChoices,
): Promise<StudyPlan["data"]> {
  const read: [string, StudyPlan["data"][string]][] = [];
  for (const [name, { encoders: given, ...set }] of Object.entries(sets)) {
    if (given === undefined) {
      read.push([name, set]);
      continue;
    }
    const folder = isPreset ? ownFile(given) : given;
    const index = join(folder, ZOO_INDEX);
    if (isPreset && (await kindOf(index)) === null) {
      note(`set ${name} is left out: there is no ${index}, which a clone of the repository has`);
    } else read.push([name, { ...set, encoders: await readZoo(folder) }]);
  }
  return Object.fromEntries(read);
}

/** Settings of methods must be known, of their kind, and fit each other and the encoder: the run of each is put together. */
function checkMethods(path: string, plan: StudyPlan): void {
  const { imageSize } = vitConfig(plan.model);
  for (const [set, { methods = [], encoders }] of Object.entries(plan.data)) {
    const where = `${path}: data.${set}.methods`;
    if (encoders && methods.length > 0) {
      throw new UsageError(`${where}: must be absent where encoders are named: none is trained there`);
    }
    const stranger = methods.find((method) => !Object.hasOwn(plan.methods, method));
    if (stranger !== undefined) {
      throw new UsageError(`${where}: must be among those of the study; got ${stranger}. Add it to methods`);
    }
  }
  for (const [name, { config = {} }] of Object.entries(plan.methods)) {
    const method = name as MethodName;
    const { settings } = moduleOf(method);
    const known = settings as Readonly<Record<string, Setting<unknown>>>;
    for (const [key, value] of Object.entries(config)) {
      const where = `${path}: methods.${name}.config.${key}`;
      const setting = known[key];
      if (!setting) {
        throw new UsageError(
          `${where}: must be a setting of ${name}, which has ${Object.keys(known).join(", ")}`,
        );
      }
      if (kindOfValue(value) !== kindOfValue(setting.value)) {
        throw new UsageError(
          `${where}: must be of the kind of ${JSON.stringify(setting.value)}; got ${JSON.stringify(value)}`,
        );
      }
      explained(where, () => setting.parse(String(value))); // a list is its members between commas, as on the command line
    }
    for (const [set, { train, methods: own, encoders }] of Object.entries(plan.data)) {
      if (encoders || (own && !own.includes(method))) continue;
      const pictures = { name: set, count: train, width: imageSize, height: imageSize, classes: 2 };
      explained(`${path}: methods.${name}`, () =>
        cellSettings(plan, { data: set, encoder: method, seed: 0 }, pictures),
      );
    }
  }
}

const kindOfValue = (value: unknown): string => (Array.isArray(value) ? "list" : typeof value);

/** What a check throws, with the place in the file before it. */
function explained(where: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new UsageError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
