/**
 * The table of docs/results.md: pretrained encoders against their untrained selves on one data set, several seeds.
 *   node scripts/results.mjs --data FOLDER --name NAME [--method mae] [--seeds 0,1,2] [--out DIR] -- PRETRAIN OPTIONS -- EVAL OPTIONS
 * Runs `partwise pretrain METHOD` and `partwise eval linear|knn` from dist/ (npm run build first), prints a Markdown table and
 * writes DIR/NAME.json. Finished runs in DIR are kept and not run again.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const [own = [], pretrain = [], evaluate = []] = splitAt(process.argv.slice(2), "--");
const { values } = parseArgs({
  args: own,
  options: {
    data: { type: "string" },
    name: { type: "string" },
    method: { type: "string", default: "mae" },
    seeds: { type: "string", default: "0,1,2" },
    out: { type: "string", default: "out/results" },
  },
});
if (!values.data || !values.name || !existsSync(values.data)) {
  console.error(
    `results: --data must name an existing folder and --name the table; got ${values.data}, ${values.name}`,
  );
  process.exit(2);
}
const seeds = values.seeds.split(",").map(Number);
mkdirSync(values.out, { recursive: true });

const rows = [];
for (const seed of seeds) {
  const folder = join(values.out, `${values.name}-seed${seed}`);
  const data = ["--data", values.data];
  const fixed = [...data, ...pretrain, "--seed", String(seed), "--out", folder, "--json"];
  const resume = existsSync(join(folder, "checkpoint.json")) ? ["--resume"] : [];
  const run = partwise("pretrain", values.method, ...fixed, ...resume);
  /** @type {Record<string, any>} */
  const row = { seed, lossLast: run.loss, seconds: run.seconds };
  for (const kind of ["linear", "knn"]) {
    for (const which of ["pretrained", "untrained"]) {
      const forLinear = [...evaluate, "--seed", String(seed)];
      const options = kind === "linear" ? forLinear : evaluate.filter((_, i, all) => !isEpochs(all, i));
      const untrained = which === "untrained" ? ["--untrained"] : [];
      const checkpoint = ["--checkpoint", folder, ...data];
      row[`${kind} ${which}`] = partwise("eval", kind, ...checkpoint, ...options, ...untrained, "--json");
    }
  }
  rows.push(row);
  writeFileSync(
    join(values.out, `${values.name}.json`),
    `${JSON.stringify({ arguments: process.argv.slice(2), rows }, null, 2)}\n`,
  );
}

console.log(
  `\n| ${values.name}, top-1 in % | ${seeds.map((seed) => `seed ${seed}`).join(" | ")} | mean ± std |`,
);
console.log(`|---|${seeds.map(() => "---|").join("")}---|`);
for (const which of ["linear pretrained", "linear untrained", "knn pretrained", "knn untrained"]) {
  const scores = rows.map((row) => 100 * topOne(row[which]));
  const mean = scores.reduce((sum, x) => sum + x, 0) / scores.length;
  const std = Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, scores.length - 1));
  console.log(
    `| ${which} | ${scores.map((x) => x.toFixed(1)).join(" | ")} | ${mean.toFixed(1)} ± ${std.toFixed(1)} |`,
  );
}

/**
 * Top-1 of a linear probe, or the best k's of k-NN.
 * @param {{ top1?: number, scores: { top1: number }[] }} result
 */
function topOne(result) {
  return result.top1 ?? Math.max(...result.scores.map(({ top1 }) => top1));
}

/**
 * `--epochs N` belongs to the linear probe alone.
 * @param {string[]} all
 * @param {number} i
 */
function isEpochs(all, i) {
  return all[i] === "--epochs" || all[i - 1] === "--epochs";
}

/**
 * Runs one command, shows what it says, and returns its last line, which is JSON.
 * @param {string[]} args
 */
function partwise(...args) {
  console.log(`\n$ partwise ${args.join(" ")}`);
  const { status, stdout } = spawnSync(process.execPath, ["dist/cli.js", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  process.stdout.write(stdout);
  if (status !== 0) process.exit(status ?? 1);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

/**
 * Pieces between separators.
 * @param {string[]} list
 * @param {string} separator
 */
function splitAt(list, separator) {
  /** @type {string[][]} */
  const pieces = [[]];
  for (const item of list) {
    if (item === separator) pieces.push([]);
    else pieces.at(-1)?.push(item);
  }
  return pieces;
}
