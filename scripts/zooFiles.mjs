// The files of the zoo: the encoders of a finished study, and zoo.json, which says of each what made it.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * An encoder of the zoo, as zoo.json has it.
 * @typedef {object} ZooEncoder
 * @property {string} method
 * @property {string} model
 * @property {string} data the set that it was pretrained on
 * @property {string} file its name beside zoo.json
 * @property {string} sha256 of the file
 * @property {number} bytes of the file
 * @property {number} pictures that it saw
 * @property {number} seconds that training took
 * @property {object} adapter
 * @property {string} command
 */

/**
 * Copies every encoder that a study's report has into another folder and writes zoo.json there, in the order of the file's methods.
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
  const index = encoders.map((/** @type {Copied} */ { about }) => about);
  writeFileSync(
    join(out, "zoo.json"),
    `${JSON.stringify({ format: "partwise.zoo.1", encoders: index }, null, 2)}\n`,
  );
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
    model: plan.model,
    data: plan.data.source,
    file: `${data}-${method}-${seed}.safetensors`,
    sha256: createHash("sha256").update(readFileSync(source)).digest("hex"),
    bytes: statSync(source).size,
    pictures: training.pictures,
    seconds: Math.round(training.seconds),
    adapter,
    command,
  };
  return { source, about };
}

/** @param {string} path */
const jsonOf = (path) => JSON.parse(readFileSync(path, "utf8"));
