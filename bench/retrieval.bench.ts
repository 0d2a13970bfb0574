// Time and memory of retrieval among many crops: each is a query against all of them. Two sets whose answer is known are
// measured, each in a process of its own: features that say nothing must find what guessing finds, and features that name
// the class must find everything.
//   npm run bench -- retrieval [--crops 20000] [--dim 96] [--classes 5] [--json] [--save]
import { parseArgs } from "node:util";
import { randomFrom } from "../src/data/creatures/random.ts";
import type { Features } from "../src/eval/features.ts";
import { retrieval } from "../src/eval/probes/retrieval.ts";
import { alone } from "./measure/alone.ts";
import { adapterInfo, gpuCalls, openDevice } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults } from "./measure/results.ts";
import { megabytes, table } from "./measure/table.ts";

const KINDS = ["random", "named"] as const;
type Kind = (typeof KINDS)[number];

interface Found {
  seconds: number;
  ap: number;
  guess: number;
  /** Most bytes of buffers at a time, and most of the process. */
  gpuBytes: number;
  processBytes: number;
}

interface Sizes {
  crops: number;
  dim: number;
  classes: number;
}

await program("retrieval", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        crops: { type: "string" },
        dim: { type: "string" },
        classes: { type: "string" },
        alone: { type: "string" },
      },
    }),
  );
  const sizes: Sizes = {
    crops: wholeNumber("crops", given.crops, 20_000, 2),
    dim: wholeNumber("dim", given.dim, 96),
    classes: wholeNumber("classes", given.classes, 5, 2),
  };
  if (sizes.classes > sizes.dim) {
    throw new UsageError(`--classes must be at most --dim ${sizes.dim}; got ${sizes.classes}`);
  }
  if (given.alone !== undefined) {
    print(JSON.stringify(await measure(given.alone as Kind, sizes)));
    return;
  }
  const where = circumstances(await adapterInfo());
  print(`${where.adapter}; Node ${where.node}, commit ${where.commit}`);
  const figures: Record<string, Found> = {};
  for (const kind of KINDS) {
    say(`${kind}: ${sizes.crops} crops`);
    const options = Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    figures[kind] = await alone<Found>(["--alone", kind, ...options]);
    check(kind, figures[kind]);
  }
  const rows = Object.entries(figures).map(([kind, { seconds, ap, guess, gpuBytes, processBytes }]) => [
    kind,
    seconds.toFixed(1),
    (100 * ap).toFixed(2),
    (100 * guess).toFixed(2),
    megabytes(gpuBytes),
    megabytes(processBytes),
  ]);
  print(table(["features", "s", "AP %", "guessing %", "GPU peak", "process peak"], rows));
  if (given.save) say(`saved ${saveResults("retrieval", where, { ...sizes, figures }, given.name)}`);
  if (given.json) print(JSON.stringify(figures));
});

/** The child's side. */
async function measure(kind: Kind, sizes: Sizes): Promise<Found> {
  const calls = gpuCalls();
  const device = await openDevice();
  const features = featuresOf(kind, sizes);
  const start = performance.now();
  const { ap, guess } = await retrieval(device, features);
  const seconds = (performance.now() - start) / 1000;
  const processBytes = 1024 * process.resourceUsage().maxRSS;
  return { seconds, ap, guess, gpuBytes: calls.bytesPeak, processBytes };
}

/** Values in [-1, 1); those that name the class have it on an axis of its own, far beyond the rest. */
function featuresOf(kind: Kind, { crops, dim, classes }: Sizes): Features {
  const random = randomFrom(crops, dim);
  const values = Float32Array.from({ length: crops * dim }, () => 2 * random() - 1);
  const labels = Int32Array.from({ length: crops }, (_, i) => i % classes);
  if (kind === "named") for (const [i, label] of labels.entries()) values[i * dim + label] = 10 * dim;
  return { values, labels, dim, classes };
}

function check(kind: Kind, { ap, guess }: Found): void {
  const expected = kind === "named" ? 1 : guess;
  if (Math.abs(ap - expected) < 0.01) return;
  throw new Error(`retrieval: ${kind} features must find ${expected.toFixed(4)}; found ${ap.toFixed(4)}`);
}
