// The files of the zoo: the encoders of a finished study, and zoo.json, which says of each what made it and what it scored.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/**
 * An encoder of the zoo, as zoo.json has it.
 * @typedef {object} ZooEncoder
 * @property {string} method
 * @property {number} seed of its run
 * @property {string} model
 * @property {string} data the set that it was pretrained on
 * @property {string} file its name beside zoo.json
 * @property {string} sha256 of the file
 * @property {number} bytes of the file
 * @property {number} pictures that it saw
 * @property {number} seconds that training took
 * @property {object} adapter
 * @property {string} command
 * @property {{ plan: object, adapter: string, scores: object[], first?: object }} [recorded] its scores by the preset quick
 */

/**
 * Copies every encoder that a study's report has into another folder and writes zoo.json there, in the order of the file's methods;
 * encoders of the former zoo.json that it has not go. What was recorded of an encoder that has not changed stays.
 * @param {string} runs
 * @param {string} out
 * @param {string} command that computed the study
 * @returns {{ encoders: ZooEncoder[], bytes: number }}
 */
export function collectZoo(runs, out, command) {
  const report = jsonOf(join(runs, "report.json"));
  const methods = Object.keys(report.plan.methods);
  const encoders = report.results
    .filter((/** @type {any} */ { training }) => training)
    .map((/** @type {any} */ result) => encoderOf(runs, result, command))
    .sort(
      (/** @type {Copied} */ a, /** @type {Copied} */ b) =>
        methods.indexOf(a.about.method) - methods.indexOf(b.about.method),
    );
  if (encoders.length === 0) {
    throw new Error(`zoo: ${runs} must hold a trained encoder; it holds none. Give the study more --minutes`);
  }
  mkdirSync(out, { recursive: true });
  for (const { source, about } of encoders) copyFileSync(source, join(out, about.file));
  const before = encodersIn(out);
  /** @type {ZooEncoder[]} */
  const index = encoders.map((/** @type {Copied} */ { about }) => {
    const recorded = before.find(({ sha256 }) => sha256 === about.sha256)?.recorded;
    return recorded ? { ...about, recorded } : about;
  });
  writeIndex(out, index);
  const files = index.map(({ file }) => file);
  for (const { file } of before) {
    if (files.includes(file)) continue;
    for (const name of [file, firstName(file)]) rmSync(join(out, name), { force: true });
  }
  return {
    encoders: index,
    bytes: index.reduce((/** @type {number} */ sum, /** @type {ZooEncoder} */ { bytes }) => sum + bytes, 0),
  };
}

/**
 * @typedef {{ source: string, about: ZooEncoder }} Copied
 * @param {string} runs
 * @param {any} result of a cell
 * @param {string} command
 * @returns {Copied}
 */
function encoderOf(runs, { data, encoder: method, seed, plan, training, adapter }, command) {
  const source = join(runs, data, `${method}-${seed}`, "encoder.safetensors");
  const about = {
    method,
    seed,
    model: plan.model,
    data: plan.data.source,
    file: `${data}-${method}-${seed}.safetensors`,
    sha256: hashOf(source),
    bytes: statSync(source).size,
    pictures: training.pictures,
    seconds: Math.round(training.seconds),
    adapter,
    command,
  };
  return { source, about };
}

/**
 * What an encoder scored of each picture before its first step lies beside it.
 * @param {string} file
 */
const firstName = (file) => file.replace(/\.safetensors$/, ".first.safetensors");

/** @param {string} path */
const hashOf = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** @param {string} path */
const jsonOf = (path) => JSON.parse(readFileSync(path, "utf8"));

/**
 * Those of a zoo; none where there is no zoo yet.
 * @param {string} out
 * @returns {ZooEncoder[]}
 */
function encodersIn(out) {
  const path = join(out, "zoo.json");
  return existsSync(path) ? jsonOf(path).encoders : [];
}

/**
 * Adds to zoo.json what its encoders scored, trained and before their first step, from the cells of a study that read them.
 * @param {string} out the zoo's folder
 * @param {string} cells folder of the set's cells
 * @returns {number} encoders whose scores were found
 */
export function recordScores(out, cells) {
  const recorded = encodersIn(out).map((encoder) => {
    const path = join(cells, `${encoder.method}-${encoder.seed}`, "result.json");
    if (!existsSync(path)) return encoder;
    const { plan, adapter, readouts, first } = jsonOf(path);
    if (plan.given !== encoder.sha256)
      throw new Error(`zoo: ${path} must be of ${encoder.file}; it is of another file`);
    const scores = readouts.map((/** @type {any} */ { target, reading, probe, score }) => ({
      ...{ target, reading, probe, score },
    }));
    const file = firstName(encoder.file);
    if (first) copyFileSync(join(path, "..", "first.safetensors"), join(out, file));
    const before = first && { file, sha256: hashOf(join(out, file)), scores: first };
    return {
      ...encoder,
      recorded: { plan, adapter: adapter.description, scores, ...(first && { first: before }) },
    };
  });
  writeIndex(out, recorded);
  return recorded.filter((encoder) => "recorded" in encoder).length;
}

/**
 * Whoever reads the zoo meanwhile finds the old index or the new one.
 * @param {string} out
 * @param {ZooEncoder[]} encoders
 */
function writeIndex(out, encoders) {
  const path = join(out, "zoo.json");
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify({ format: "partwise.zoo.2", encoders }, null, 1)}\n`);
  renameSync(temporary, path);
}
