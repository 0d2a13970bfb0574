// `npm run zoo [-- --minutes N] [--jobs N] [--study FILE] [--runs DIR] [--out DIR] [--data DIR] [--parts-from DIR]`: pretrains
// the encoders of the zoo as a study and keeps them in zoo/, with what made each one and what it scores in `npm start`. Cells that
// are finished are not computed again; those that fail or do not fit into the minutes are left out. A software adapter needs hours for what a GPU does in minutes: give it a study of fewer pictures.
import { existsSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { node, root } from "./run.mjs";
import { setup } from "./setup.mjs";
import { collectZoo, recordScores } from "./zooFiles.mjs";

const { values: given } = parseArgs({
  options: {
    minutes: { type: "string" },
    jobs: { type: "string", default: "1" },
    study: { type: "string", default: "studies/zoo.yaml" },
    runs: { type: "string", default: "runs/zoo" },
    out: { type: "string", default: "zoo" },
    data: { type: "string" },
    "parts-from": { type: "string" },
  },
});
setup();
/** Options of the study, where they are given. @param {("minutes" | "data" | "parts-from")[]} names */
const also = (...names) =>
  names.flatMap((name) => (given[name] === undefined ? [] : [`--${name}`, given[name]]));
const folders = also("data", "parts-from");
const command = ["study", given.study, "--out", given.runs, "--jobs", given.jobs, ...folders];
const inTime = also("minutes");
const built = node("scripts/build.mjs");
if (built !== 0) process.exit(built);
const [runs, out] = [resolve(root, given.runs), resolve(root, given.out)];
const started = Date.now();
const status = node("dist/cli.js", ...command, ...inTime);
// A cell that failed leaves a report of the others; a study that was refused leaves none, or that of an earlier one.
const report = join(runs, "report.json");
if (!existsSync(report) || statSync(report).mtimeMs < started) process.exit(status || 1);
const { encoders, bytes } = collectZoo(runs, out, `partwise ${command.join(" ")}`);
console.log(`zoo: ${encoders.length} encoders, ${(bytes / 1e6).toFixed(1)} MB, in ${given.out}`);

// The preset reads the repository's own zoo.
if (out !== resolve(root, "zoo")) process.exit(status);
const recorded = join(given.runs, "recorded");
rmSync(resolve(root, recorded, "zoo"), { recursive: true, force: true }); // of former encoders or of a former preset
const read = ["study", "quick", "--set", "zoo", "--first", "--out", recorded, "--jobs", given.jobs];
const readStatus = node("dist/cli.js", ...read);
console.log(`zoo: scores of ${recordScores(out, resolve(root, recorded, "zoo"))} encoders are recorded`);
process.exit(status || readStatus);
