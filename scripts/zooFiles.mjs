// The files of the zoo: the encoders of a finished study, and zoo.json, which says of each what made it.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
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
 * @property {string} adapter
 * @property {string} command
 */

/**
 * Copies every encoder of a study's folder into another and writes zoo.json there, in the order of the file's methods.
 * @param {string} runs
 * @param {string} out
 * @param {string} command that computed the study
 * @returns {{ encoders: ZooEncoder[], bytes: number }}
 */
export function collectZoo(runs, out, command) {
  const report = jsonOf(join(runs, "report.json"));
  const methods = Object.keys(report.plan.methods);
  const cells = Object.keys(report.plan.data).flatMap((data) =>
    existsSync(join(runs, data)) ? readdirSync(join(runs, data)).map((cell) => ({ data, cell })) : [],
  );
  const encoders = cells
    .flatMap(({ data, cell }) => {
      const folder = join(runs, data, cell);
      const source = join(folder, "encoder.safetensors");
      const isWhole = existsSync(join(folder, "result.json")) && existsSync(source);
      return isWhole ? [encoderOf(source, jsonOf(join(folder, "result.json")), command)] : [];
    })
    .sort((a, b) => methods.indexOf(a.about.method) - methods.indexOf(b.about.method));
  if (encoders.length === 0) {
    throw new Error(`zoo: ${runs} must hold a trained encoder; it holds none. Give the study more --minutes`);
  }
  mkdirSync(out, { recursive: true });
  for (const { source, about } of encoders) copyFileSync(source, join(out, about.file));
  const index = encoders.map(({ about }) => about);
  writeFileSync(
    join(out, "zoo.json"),
    `${JSON.stringify({ format: "partwise.zoo.1", encoders: index }, null, 2)}\n`,
  );
  return { encoders: index, bytes: index.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/**
 * @param {string} source
 * @param {any} result of its cell
 * @param {string} command
 * @returns {{ source: string, about: ZooEncoder }}
 */
function encoderOf(source, { data, encoder: method, seed, plan, training, adapter }, command) {
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
