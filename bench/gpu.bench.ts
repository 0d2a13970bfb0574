// Everything about one GPU in one call and within a time budget: are operations and steps right, how fast are they, and
// how fast are PyTorch and the peers beside them. Runs the other bench programs, each in a process of its own, so that one
// that fails or hangs is reported and the others go on; bench/results/<adapter>.json is written after every part.
//   npm run bench -- gpu [--minutes 8] [--batch 64] [--step NAME]... [--only check,torch] [--python python3] [--repeats 7]
// On a host without node_modules: `npm run bench -- --build` here, and there `node bench/dist/gpu.mjs`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isSoftware } from "../src/cli/system/dawn.ts";
import { chosen, HOST_STEPS, METHOD_STEPS, partsOf, stepsOf } from "./host/parts.ts";
import { type PartResult, runParts } from "./host/runParts.ts";
import { partTable, stepTable } from "./host/summary.ts";
import { runChild } from "./measure/child.ts";
import { adapterInfo } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults, slugOf } from "./measure/results.ts";
import { PEER_PACKAGES } from "./peers/libraries.ts";
import { fullStepName } from "./trainingSteps.ts";

/** No part is started with less time. */
const LEAST_MS = 5000;

await program("gpu", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        minutes: { type: "string" },
        batch: { type: "string" },
        step: { type: "string", multiple: true },
        only: { type: "string" },
        python: { type: "string", default: "python3" },
      },
    }),
  );
  const info = await adapterInfo();
  const minutes = wholeNumber("minutes", given.minutes, 8);
  const kind = isSoftware(info) ? "software" : "gpu";
  const batch = wholeNumber("batch", given.batch, kind === "software" ? 2 : 64);
  const named = (texts: readonly string[]) => texts.map((text) => fullStepName(text, batch));
  const all = named(given.step ?? [...HOST_STEPS[kind], ...METHOD_STEPS]);
  const rounds = (["repeats", "warmup"] as const).flatMap((name) =>
    given[name] === undefined ? [] : [`--${name}`, given[name]],
  );
  const folder = mkdtempSync(join(tmpdir(), "partwise-gpu-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const plan = { ...stepsOf(all), batch, rounds, python: given.python, folder };
  const parts = chosen(partsOf(plan), given.only?.split(",") ?? []);
  if (parts.length === 0) {
    throw new UsageError(
      `--only must be words in names of parts, as "check,step mae,torch eager,peers,ops ti"; got ${given.only}`,
    );
  }
  const where = circumstances(info, PEER_PACKAGES);
  print(
    `${where.adapter}; Node ${where.node}, commit ${where.commit}; ${parts.length} parts, ${minutes} min`,
  );
  const save = (results: readonly PartResult[]) =>
    saveResults(
      "gpu",
      where,
      { minutes, parts: results },
      given.name ?? slugOf(where.device || where.adapter),
    );
  let path = "";
  const results = await runParts(
    parts,
    { totalMs: minutes * 60_000, leastMs: LEAST_MS },
    ({ name, bench, args }, limitMs) => {
      say(`${name}: at most ${(limitMs / 1000).toFixed(0)} s`);
      return runChild(process.execPath, [join(import.meta.dirname, `${bench}.mjs`), ...args], { limitMs });
    },
    ({ status, seconds, error }, soFar) => {
      say(`  ${status} after ${seconds.toFixed(0)} s${error ? `: ${error}` : ""}`);
      path = save(soFar);
    },
  );
  print(`\n${[partTable(results), stepTable(results), `saved ${path}`].filter(Boolean).join("\n\n")}`);
  if (given.json) print(JSON.stringify(results));
  const failed = results.filter(({ status }) => status === "failed").map(({ name }) => name);
  if (failed.length > 0) throw new Error(`these parts failed, see above: ${failed.join(", ")}`);
});
