// `npm run zoo [-- --minutes N] [--jobs N] [--study FILE] [--runs DIR] [--out DIR]`: pretrains the encoders of the zoo as a
// study and keeps them in zoo/, with what made each one. Cells that are finished are not computed again; those that do not fit
// into the minutes are left out. A software adapter needs hours for what a GPU does in minutes: give it a study of fewer pictures.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { node, root } from "./run.mjs";
import { setup } from "./setup.mjs";
import { collectZoo } from "./zooFiles.mjs";

const { values: given } = parseArgs({
  options: {
    minutes: { type: "string" },
    jobs: { type: "string", default: "1" },
    study: { type: "string", default: "studies/zoo.yaml" },
    runs: { type: "string", default: "runs/zoo" },
    out: { type: "string", default: "zoo" },
  },
});
setup();
const command = ["study", given.study, "--out", given.runs, "--jobs", given.jobs];
const inTime = given.minutes === undefined ? [] : ["--minutes", given.minutes];
const status = node("scripts/build.mjs") || node("dist/cli.js", ...command, ...inTime);
if (status !== 0) process.exit(status);
const { encoders, bytes } = collectZoo(
  resolve(root, given.runs),
  resolve(root, given.out),
  `partwise ${command.join(" ")}`,
);
console.log(`zoo: ${encoders.length} encoders, ${(bytes / 1e6).toFixed(1)} MB, in ${given.out}`);
