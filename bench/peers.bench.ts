// The reference training step in Partwise, jax-js and TensorFlow.js, interleaved in one process on one adapter; with
// --ops, single operations in Partwise and jax-js.
//   npm run bench -- peers [--config base|tiny|batch=8,width=128,...]... [--ops] [--busy-wait] [--json] [--save]
// --busy-wait: Partwise waits for the GPU as the others do, not as its users do (src/node/wait.ts).
import { parseArgs } from "node:util";
import { adapterInfo, waitBusily } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults } from "./measure/results.ts";
import { megabytes, ms, scientific, table } from "./measure/table.ts";
import { compareOps, OP_COMPARISONS, type OpComparison } from "./peers/compareOps.ts";
import { compareSteps, measureAlone, type OpenLibraries, type StepComparison } from "./peers/compareSteps.ts";
import { LIBRARIES, type Library, PEER_PACKAGES } from "./peers/libraries.ts";
import { parseStepConfig } from "./stepProblem.ts";

const libraryOf = (text: string): Library => {
  const library = LIBRARIES.find((name) => name === text);
  if (!library) throw new UsageError(`--libraries must be of ${LIBRARIES.join(", ")}; got ${text}`);
  return library;
};

function printSteps(name: string, comparison: StepComparison): void {
  const { config, parameters, gigaflop, accuracy, spreadMs, ratio, ratioSpread, alone } = comparison;
  const sizes = Object.entries(config)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
  print(
    `\n${name}: ${sizes}; ${parameters.toLocaleString("en")} parameters, ${gigaflop.toFixed(1)} GFLOP a step`,
  );
  const libraries = LIBRARIES.filter((library) => spreadMs[library]);
  const rows = libraries.map((library) => {
    const { median, min, q1, q3 } = spreadMs[library]!;
    const [own, range] = [ratio[library], ratioSpread[library]];
    const { losses, gradientError } = accuracy[library]!;
    return [
      library,
      ms(median),
      `${ms(q1)}..${ms(q3)}`,
      ms(min),
      own ? `${own.toFixed(2)} (${range!.q1.toFixed(2)}..${range!.q3.toFixed(2)})` : "1",
      (gigaflop / (median / 1000)).toFixed(1),
      scientific(gradientError),
      losses[0].toFixed(6),
      losses[1].toFixed(6),
    ];
  });
  const header = [
    "",
    "median ms",
    "quartiles",
    "min",
    "x Partwise",
    "GFLOP/s",
    "gradient error",
    "loss 1",
    "loss 2",
  ];
  print(table(header, rows));
  const aloneRows = libraries.flatMap((library) => {
    const found = alone[library];
    if (!found) return [];
    const { firstCallMs, openMs, peakBytes, perStep } = found;
    const { dispatches, submits, buffers, bindGroups, pipelines } = perStep;
    const counts = [dispatches, submits, buffers, bindGroups, pipelines].map(String);
    return [
      [library, (firstCallMs / 1000).toFixed(2), (openMs / 1000).toFixed(2), megabytes(peakBytes), ...counts],
    ];
  });
  if (aloneRows.length === 0) return;
  print("\nalone in a process, driver cache cold; calls of one later step:");
  const columns = [
    "first call s",
    "open s",
    "GPU peak",
    "dispatches",
    "submits",
    "buffers",
    "bind groups",
    "pipelines",
  ];
  print(table(["", ...columns], aloneRows));
}

function printOps(comparisons: Record<string, OpComparison>): void {
  print("\nforward and backward of one operation");
  const rows = Object.entries(comparisons).map(([name, { medianMs, ratio, error }]) => [
    name,
    ms(medianMs.partwise),
    ms(medianMs["jax-js"]),
    ratio.toFixed(2),
    scientific(error.partwise),
    scientific(error["jax-js"]),
  ]);
  print(table(["", "Partwise ms", "jax-js ms", "x Partwise", "error", "jax-js error"], rows));
}

await program("peers", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        config: { type: "string", multiple: true },
        libraries: { type: "string", default: LIBRARIES.join(",") },
        ops: { type: "boolean", default: false },
        "busy-wait": { type: "boolean", default: false },
        "no-first-call": { type: "boolean", default: false },
        alone: { type: "string" },
      },
    }),
  );
  if (given["busy-wait"]) waitBusily();
  const configs = given.config ?? ["base", "tiny"];
  for (const config of configs) parseStepConfig(config);
  if (given.alone !== undefined) {
    print(JSON.stringify(await measureAlone(libraryOf(given.alone), configs[0]!)));
    return;
  }
  const rounds = {
    warmup: wholeNumber("warmup", given.warmup, 1, 0),
    repeats: wholeNumber("repeats", given.repeats, 7),
  };
  const where = circumstances(await adapterInfo(), PEER_PACKAGES);
  print(`${where.adapter}; Node ${where.node}, commit ${where.commit}`);
  const figures: Record<string, StepComparison | OpComparison> = {};
  if (given.ops) {
    const comparisons = await compareOps(OP_COMPARISONS, rounds);
    printOps(comparisons);
    Object.assign(figures, comparisons);
  } else {
    const libraries = given.libraries.split(",").map(libraryOf);
    const opened: OpenLibraries = new Map();
    for (const config of configs) {
      const comparison = await compareSteps(config, libraries, opened, rounds, !given["no-first-call"]);
      figures[config] = comparison;
      printSteps(config, comparison);
    }
  }
  if (given.save) say(`saved ${saveResults(given.ops ? "peer-ops" : "peers", where, figures, given.name)}`);
  if (given.json) print(JSON.stringify(figures));
});
