// `npm test`: machine, types, lint, build, tests in Node, tests in Chromium, and the counts as the last line.
// With arguments (paths, as vitest takes them) only the tests that match run, without types and lint.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aside, node, root, tool } from "./run.mjs";
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
async function vitest(project) {
  const file = join(root, "out", `test-${project}.json`);
  rmSync(file, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const run = ["run", "--project", project, "--passWithNoTests"];
  const status = await aside("vitest", ...run, ...reporters, ...filters);
  if (status !== 0) failedSteps.push(`tests in ${project}`);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
  if (report === null) {
    failedSteps.push(`${project} wrote no result`);
    total.failed++;
    return;
  }
  const unloaded = report.testResults.filter(
    (
      /** @type {{ status: string, assertionResults: { status: string }[] }} */ { status, assertionResults },
    ) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests + unloaded.length;
  total.skipped += report.numPendingTests + report.numTodoTests;
}

setup({ browser: true });
if (filters.length === 0) {
  step("types of the core", () => tool("tsc", "-p", "tsconfig.json"));
  step("types of the programs", () => tool("tsc", "-p", "tsconfig.programs.json"));
  step("lint", () => tool("biome", "check", "--error-on-warnings", "."));
}
step("build", () => node("scripts/build.mjs"));
console.log("\n== tests in Node and in Chromium");
mkdirSync(join(root, "out"), { recursive: true });
// Beside each other: a browser has one tab, and whichever project is left at the end one long file; no core waits for them.
await Promise.all([vitest("node"), vitest("browser")]);

if (total.passed + total.failed === 0) failedSteps.push("no test ran");
if (total.skipped > 0) failedSteps.push(`${total.skipped} tests were skipped`);
console.log(failedSteps.length > 0 ? `\nnot in order: ${failedSteps.join(", ")}` : "\nall in order");
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(failedSteps.length > 0 || total.failed > 0 ? 1 : 0);
