// `npm start [-- STUDY options]`: makes the machine ready, builds, and computes a study and its report; the preset quick unless
// another is named. Two processes share the adapter, which is faster than one even on two cores.
import { node } from "./run.mjs";
import { setup } from "./setup.mjs";

const [first, ...rest] = process.argv.slice(2);
const isNamed = first !== undefined && !first.startsWith("-");
const options = isNamed ? rest : first === undefined ? [] : [first, ...rest];
const study = isNamed ? first : "quick";
setup();
const given = (/** @type {string} */ name) =>
  options.some((option) => option === name || option.startsWith(`${name}=`));
process.exit(
  node("scripts/build.mjs") ||
    node(
      "dist/cli.js",
      "study",
      study,
      ...(given("--out") ? [] : ["--out", `out/${study.replace(/^.*[\\/]/, "").replace(/\.ya?ml$/, "")}`]),
      ...(given("--jobs") ? [] : ["--jobs", "2"]),
      ...options,
    ),
);
