// The training steps in PyTorch on the same machine: eager in f32 without TF32, and torch.compile in bf16. Weights, batch,
// loss and gradient norms come from Partwise, and PyTorch must reach them before it is timed.
//   npm run bench -- torch [--step reference:base] [--step mae:vit_tiny_patch16_224:8] ... [--mode eager] [--batch 64]
//     [--python python3] [--folder DIR] [--json] [--save]
// --folder keeps the steps' files, so that a second call finds them.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isSoftware } from "../src/cli/system/dawn.ts";
import { answerOf, lastWords, runChild } from "./measure/child.ts";
import { adapterInfo, openDevice } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults, slugOf } from "./measure/results.ts";
import { ms, scientific, table } from "./measure/table.ts";
import { writeProblem } from "./torch/problemFile.ts";
import { MODES, type TorchFigures } from "./torch/torchFigures.ts";
import { fullStepName } from "./trainingSteps.ts";

/** By step, then by mode. */
type Figures = Record<string, Partial<Record<string, TorchFigures>>>;

/** The file of a step, written by a process of its own so that no GPU memory stays taken. */
async function problemFile(folder: string, step: string): Promise<string> {
  const path = join(folder, `${slugOf(step)}.safetensors`);
  if (existsSync(path)) return path;
  say(`${step}: forward and backward in Partwise`);
  const args = [process.argv[1]!, "--export", `${path}.part`, "--step", step];
  answerOf(`torch --export ${step}`, await runChild(process.execPath, args));
  renameSync(`${path}.part`, path);
  return path;
}

/** PyTorch's version under a Python; a Python without it is a wrong command line. */
async function torchVersion(python: string): Promise<string> {
  const ended = await runChild(python, ["-c", "import torch; print(torch.__version__)"]).catch(
    (error: Error) => ({ status: 1, stdout: "", stderr: error.message }),
  );
  if (ended.status === 0) return ended.stdout.trim();
  throw new UsageError(`--python must be a Python with PyTorch; got ${python}: ${lastWords(ended.stderr)}`);
}

function printFigures(figures: Figures): void {
  const rows = Object.entries(figures).flatMap(([step, byMode]) =>
    Object.entries(byMode).map(([mode, found]) => {
      if (!found || "skipped" in found) return [`${step} ${mode}`, found?.skipped ?? ""];
      const { ms: time, imagesPerSecond, firstCallMs, lossError, gradientError, peakBytes } = found;
      return [
        `${step} ${mode}`,
        ms(time.median),
        `${ms(time.q1)}..${ms(time.q3)}`,
        imagesPerSecond.toFixed(1),
        (firstCallMs / 1000).toFixed(2),
        peakBytes === undefined ? "" : `${(peakBytes / 1e6).toFixed(0)} MB`,
        scientific(lossError),
        scientific(gradientError),
      ];
    }),
  );
  const header = ["", "ms", "quartiles", "images/s", "first call s", "peak", "loss error", "gradient error"];
  print(table(header, rows));
}

await program("torch", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        step: { type: "string", multiple: true },
        mode: { type: "string", multiple: true },
        batch: { type: "string" },
        python: { type: "string", default: "python3" },
        folder: { type: "string" },
        export: { type: "string" },
      },
    }),
  );
  const steps = given.step ?? ["reference:base", "reference:tiny"];
  if (given.export !== undefined) {
    await writeProblem(await openDevice(), steps[0]!, given.export);
    print("{}");
    return;
  }
  const modes = given.mode ?? MODES;
  const unknown = modes.find((mode) => !MODES.includes(mode));
  if (unknown !== undefined) throw new UsageError(`--mode must be of ${MODES.join(", ")}; got ${unknown}`);
  const repeats = wholeNumber("repeats", given.repeats, 7);
  const warmup = wholeNumber("warmup", given.warmup, 1, 0);
  const info = await adapterInfo();
  const batch = wholeNumber("batch", given.batch, isSoftware(info) ? 2 : 64);
  const where = circumstances(info);
  print(
    `PyTorch ${await torchVersion(given.python)} beside ${where.adapter}; Node ${where.node}, commit ${where.commit}`,
  );
  const folder = given.folder ?? mkdtempSync(join(tmpdir(), "partwise-torch-"));
  mkdirSync(folder, { recursive: true });
  const figures: Figures = {};
  try {
    for (const step of steps.map((text) => fullStepName(text, batch))) {
      const file = await problemFile(folder, step);
      figures[step] = {};
      for (const mode of modes) {
        say(`${step}: PyTorch, ${mode}`);
        const script = join(import.meta.dirname, "steps.py");
        const rounds = ["--repeats", String(repeats), "--warmup", String(warmup)];
        const ended = await runChild(given.python, [script, file, "--mode", mode, ...rounds]);
        figures[step][mode] = answerOf<TorchFigures>(`${given.python} ${mode} ${step}`, ended);
      }
    }
  } finally {
    if (given.folder === undefined) rmSync(folder, { recursive: true });
  }
  printFigures(figures);
  if (given.save) say(`saved ${saveResults("torch", where, figures, given.name)}`);
  if (given.json) print(JSON.stringify(figures));
});
