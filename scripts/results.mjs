/**
 * The table of docs/results.md: pretrained encoders against their untrained selves on one data set, several seeds.
 *   node scripts/results.mjs --data FOLDER --name NAME [--method mae] [--seeds 0,1,2] [--out DIR] -- PRETRAIN OPTIONS -- EVAL OPTIONS
 * Runs `partwise pretrain METHOD` and `partwise eval linear|knn` from dist/ (npm run build first), prints a Markdown table and
 * writes DIR/NAME.json after each. What is in that file is kept and not run again; a run that was stopped goes on.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const KINDS = ["linear", "knn"];
const ENCODERS = ["pretrained", "untrained"];

const argv = process.argv.slice(2);
const asked = parsed(argv);
const { own, pretrain, evaluate } = asked;
if (!own.data || !own.name || !existsSync(own.data)) {
  refuse(`--data must name an existing folder and --name the table; got ${own.data}, ${own.name}`);
}
const seeds = own.seeds.split(",").map(Number);
mkdirSync(own.out, { recursive: true });
const file = join(own.out, `${own.name}.json`);
const rows = recordedRows();

for (const seed of seeds) {
  const row = rowOf(seed);
  const folder = join(own.out, `${own.name}-seed${seed}`);
  if (row.seconds === undefined || row.stopped) train(row, folder);
  for (const kind of KINDS) {
    for (const which of ENCODERS) {
      const forLinear = [...evaluate, "--seed", String(seed)];
      const options = kind === "linear" ? forLinear : evaluate.filter((_, i, all) => !isEpochs(all, i));
      const untrained = which === "untrained" ? ["--untrained"] : [];
      const where = ["--checkpoint", folder, "--data", own.data];
      row[`${kind} ${which}`] ??= partwise("eval", kind, ...where, ...options, ...untrained, "--json");
      save();
    }
  }
}

console.log(
  `\n| ${own.name}, top-1 in % | ${seeds.map((seed) => `seed ${seed}`).join(" | ")} | mean${seeds.length > 1 ? " ± std" : ""} |`,
);
console.log(`|---|${seeds.map(() => "---|").join("")}---|`);
for (const name of KINDS.flatMap((kind) => ENCODERS.map((which) => `${kind} ${which}`))) {
  const scores = seeds.map((seed) => 100 * topOne(rows.find((row) => row.seed === seed)?.[name]));
  console.log(`| ${name} | ${scores.map((x) => x.toFixed(1)).join(" | ")} | ${meanText(scores)} |`);
}

/**
 * What is recorded of a seed, now or before.
 * @param {number} seed
 */
function rowOf(seed) {
  const found = rows.find((row) => row.seed === seed);
  if (found) return found;
  /** @type {Record<string, any>} */
  const row = { seed };
  rows.push(row);
  return row;
}

/**
 * Trains a seed's run, or goes on with it. The seconds of a run whose beginning was not recorded are null.
 * @param {Record<string, any>} row
 * @param {string} folder
 */
function train(row, folder) {
  const isBegun = existsSync(join(folder, "checkpoint.json"));
  const options = ["--data", /** @type {string} */ (own.data), ...pretrain, "--seed", String(row.seed)];
  const resume = isBegun ? ["--resume"] : [];
  const run = partwise("pretrain", own.method, ...options, "--out", folder, "--json", ...resume);
  row.lossLast = run.loss ?? lastLoss(folder);
  row.seconds = isBegun && !row.seconds ? null : (row.seconds ?? 0) + run.seconds;
  row.stopped = run.stopped;
  save();
  if (!run.stopped) return;
  console.error(`results: seed ${row.seed} was stopped at step ${run.step}: the same command goes on`);
  process.exit(1);
}

/**
 * The loss of a run's last step.
 * @param {string} folder
 */
function lastLoss(folder) {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trim().split("\n");
  return JSON.parse(lines.at(-1) ?? "").loss;
}

/**
 * What an earlier call recorded for the same runs.
 * @returns {Record<string, any>[]}
 */
function recordedRows() {
  if (!existsSync(file)) return [];
  const before = JSON.parse(readFileSync(file, "utf8"));
  const runs = (/** @type {typeof asked} */ { own: { data, method }, ...options }) =>
    JSON.stringify({ data, method, ...options });
  const was = parsed(before.arguments);
  if (runs(was) === runs(asked)) return before.rows;
  return refuse(
    `${file} must be of the same runs; it has those of ${before.arguments.join(" ")}. Choose another --name`,
  );
}

function save() {
  writeFileSync(file, `${JSON.stringify({ arguments: argv, rows }, null, 2)}\n`);
}

/**
 * Their mean, and how far they scatter where there are several.
 * @param {number[]} scores
 */
function meanText(scores) {
  const mean = scores.reduce((sum, x) => sum + x, 0) / scores.length;
  if (scores.length < 2) return mean.toFixed(1);
  const std = Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (scores.length - 1));
  return `${mean.toFixed(1)} ± ${std.toFixed(1)}`;
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
 * Runs one command, shows what it says, and returns its last line, which is JSON; that of a run that was stopped, too.
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
  if (status === null || (status !== 0 && status < 128)) process.exit(status ?? 1);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

/**
 * Options of this script, of `pretrain` and of `eval`.
 * @param {string[]} args
 */
function parsed(args) {
  const [given = [], pretrain = [], evaluate = []] = splitAt(args, "--");
  const { values: own } = parseArgs({
    args: given,
    options: {
      data: { type: "string" },
      name: { type: "string" },
      method: { type: "string", default: "mae" },
      seeds: { type: "string", default: "0,1,2" },
      out: { type: "string", default: "out/results" },
    },
  });
  return { own, pretrain, evaluate };
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

/**
 * Ends the script with a sentence.
 * @param {string} sentence
 * @returns {never}
 */
function refuse(sentence) {
  console.error(`results: ${sentence}`);
  process.exit(2);
}
