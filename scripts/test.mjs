// `npm test`: machine, types, lint, build, tests in Node, tests in Chromium, and the counts as the last line.
// With arguments (paths, as vitest takes them) only the tests that match run, without types and lint.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { node, root, tool } from "./run.mjs";
import { setup } from "./setup.mjs";

const filters = process.argv.slice(2);
/** @type {string[]} */
const failedSteps = [];
const total = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {string} name
 * @param {() => number} run gives the exit status
 */
function step(name, run) {
  console.log(`\n== ${name}`);
  if (run() !== 0) failedSteps.push(name);
}

/**
 * Runs one vitest project and adds its counts; a file that does not load counts as one failure.
 * @param {string} project
 */
function vitest(project) {
  const file = join(root, "out", `test-${project}.json`);
  mkdirSync(join(root, "out"), { recursive: true });
  rmSync(file, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const status = tool("vitest", "run", "--project", project, "--passWithNoTests", ...reporters, ...filters);
  const report = JSON.parse(readFileSync(file, "utf8"));
  const unloaded = report.testResults.filter(
    (
      /** @type {{ status: string, assertionResults: { status: string }[] }} */ { status, assertionResults },
    ) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests + unloaded.length;
  total.skipped += report.numPendingTests + report.numTodoTests;
  return status;
}

setup({ browser: true });
if (filters.length === 0) {
  step("types of the core", () => tool("tsc", "-p", "tsconfig.json"));
  step("types of the programs", () => tool("tsc", "-p", "tsconfig.programs.json"));
  step("lint", () => tool("biome", "check", "--error-on-warnings", "."));
}
step("build", () => node("scripts/build.mjs"));
step("tests in Node", () => vitest("node"));
step("tests in Chromium", () => vitest("browser"));

if (total.passed + total.failed === 0) failedSteps.push("no test ran");
if (total.skipped > 0) failedSteps.push(`${total.skipped} tests were skipped`);
console.log(failedSteps.length > 0 ? `\nnot in order: ${failedSteps.join(", ")}` : "\nall in order");
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(failedSteps.length > 0 || total.failed > 0 ? 1 : 0);
