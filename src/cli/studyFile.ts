/** The file of a study: YAML, checked against a schema, with defaults for what it may leave out. */
import * as v from "valibot";
import { parseDocument } from "yaml";
import { METHODS, type MethodName } from "../models/methods.ts";
import type { StudyPlan } from "../study/plan.ts";
import { PROBES } from "../study/probes.ts";
import { UsageError } from "./errors.ts";
import { readBytes } from "./files.ts";

const count = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(2 ** 32 - 1));
const distinct = <T>(item: v.GenericSchema<T>) =>
  v.pipe(
    v.array(item),
    v.minLength(1),
    v.check((list) => new Set(list).size === list.length, "must be different ones"),
  );
const seeds = distinct(count(0));

const data = v.strictObject({
  source: v.pipe(v.string(), v.minLength(1)),
  train: count(2),
  probe: count(2),
  test: count(2),
  parts: v.optional(count(0), 0),
  partsFrom: v.optional(v.pipe(v.string(), v.minLength(1))),
});

const method = v.strictObject({
  batch: v.optional(count(1)),
  lr: v.optional(v.pipe(v.number(), v.gtValue(0), v.finite())),
  pictures: v.optional(count(1)),
  config: v.optional(v.record(v.string(), v.unknown())),
});

/** A set's name is that of its folder below the study's. */
const folder = v.pipe(v.string(), v.regex(/^\w[\w-]*$/, "must be letters, digits and dashes"));

const names = Object.keys(METHODS) as [MethodName, ...MethodName[]];

const schema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[\w.-]+$/, "must be letters, digits, dots and dashes")),
  model: v.string(),
  pictures: count(1),
  seeds,
  floorSeeds: seeds,
  data: v.pipe(v.record(folder, data), v.minEntries(1)),
  methods: v.record(v.picklist(names), method),
  neighbours: v.optional(count(1), 20),
  probes: v.optional(distinct(v.picklist(PROBES)), [...PROBES]),
  linearEpochs: v.optional(count(1), 30),
  attentiveEpochs: v.optional(count(1), 30),
});

/** Longest file that is read. */
const MOST_BYTES = 2 ** 20;

/** Reads and checks a study's file. What is wrong is a `UsageError` that says where. */
export async function readStudy(path: string): Promise<StudyPlan> {
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
  for (const [name, { config = {} }] of Object.entries(found.output.methods)) {
    const known = Object.keys(METHODS[name as MethodName].settings);
    const odd = Object.keys(config).find((key) => !known.includes(key));
    if (odd !== undefined) {
      throw new UsageError(
        `${path}: methods.${name}.config.${odd}: must be a setting of ${name}, which has ${known.join(", ")}`,
      );
    }
  }
  return found.output;
}
