// Every kernel that carries a training step, forward and backward: checked against float64, then timed in turns, with
// the share of the roofline that a copy and a matrix product reach in the same run.
//   npm run bench -- ops [--sizes base,tiny,ti,s,b,micro17,micro65] [--batch 2] [--only attention] [--check] [--json] [--save]
//   npm run bench -- ops --methods [--only TN] [--json] [--save]
// The second form times every method of a matrix product on the shapes of training steps, each result checked before.
// With --check nothing is timed, and a wrong result does not keep the others from being checked. --save writes the
// figures as JSON and the roofline with a dot for each operation as an SVG.
import { parseArgs } from "node:util";
import { isSoftware } from "../src/cli/system/dawn.ts";
import { compile } from "../src/engine/capture/compile.ts";
import type { Device } from "../src/engine/gpu/device.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { rearrange } from "../src/engine/ops/rearrange.ts";
import { boundMs, type Roofline } from "../src/profile/roofline.ts";
import { type RooflinePanel, rooflineChart } from "./charts/roofline.ts";
import { openDevice } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { circumstances, saveDrawing, saveResults } from "./measure/results.ts";
import { callsFor, type Rounds, timeInTurns } from "./measure/samples.ts";
import { ms, scientific, table } from "./measure/table.ts";
import { otherAttentionCases } from "./ops/attentionCases.ts";
import { checkOps, faults, isRight, TOLERANCE } from "./ops/checks.ts";
import {
  addCase,
  attentionCases,
  crossEntropyCases,
  geluCases,
  layerNormCases,
  softmaxCases,
} from "./ops/layers.ts";
import { type MethodFigures, timeMethods } from "./ops/methods.ts";
import { Inputs, type OpCase, type OpSize } from "./ops/opCase.ts";
import type { OpCheck, OpFigures } from "./ops/opFigures.ts";
import { linearCases, matmulCase, mlpCases, mlpProducts } from "./ops/products.ts";
import { adamwCase, cropCase } from "./ops/trainingOps.ts";

/**
 * The reference steps' sizes; those of ViT-Ti, S and B on 224 x 224 pictures with a batch that can be chosen; and those of a
 * small masked autoencoder, whose encoder sees a quarter of the patches.
 */
const SIZES: Record<string, Omit<OpSize, "batch"> & { batch?: number; image: number }> = {
  base: { batch: 16, tokens: 65, width: 192, heads: 3, image: 32 },
  tiny: { batch: 32, tokens: 65, width: 96, heads: 3, image: 32 },
  ti: { tokens: 197, width: 192, heads: 3, image: 224 },
  s: { tokens: 197, width: 384, heads: 6, image: 224 },
  b: { tokens: 197, width: 768, heads: 12, image: 224 },
  micro17: { batch: 256, tokens: 17, width: 96, heads: 3, image: 32 },
  micro65: { batch: 256, tokens: 65, width: 96, heads: 3, image: 32 },
};

/** A sample repeats its call until it takes about this long. */
const SAMPLE_MS = 30;
const MOST_CALLS = 64;

/** All cases of a size. */
function casesOf(inputs: Inputs, size: OpSize, image: number): OpCase[] {
  return [
    ...mlpProducts(inputs, size),
    ...linearCases(inputs, size),
    ...mlpCases(inputs, size),
    ...attentionCases(inputs, size),
    ...(isSoftware(inputs.device.info) ? [] : otherAttentionCases(inputs, size)),
    ...layerNormCases(inputs, size),
    ...geluCases(inputs, size),
    ...softmaxCases(inputs, size),
    addCase(inputs, size),
    ...crossEntropyCases(inputs, 16 * size.batch, 1000),
    adamwCase(inputs, size),
    cropCase(inputs, size, image),
  ];
}

/** What the adapter reaches at best: bytes moved by the queue and by a kernel, and square products. */
function rooflineCases(device: Device, inputs: Inputs): OpCase[] {
  const software = isSoftware(device.info);
  const count = (software ? 32 : 256) * 2 ** 18;
  const from = inputs.normal([count]);
  const to = Tensor.empty(device, [count]);
  inputs.onDispose(() => to.dispose());
  const copy = (name: string, record: () => void): OpCase => ({
    name,
    shape: `${(4 * count) / 2 ** 20} MiB`,
    cost: { flops: 0, bytes: 8 * count },
    record,
    async check() {
      device.clear(to);
      record();
      const copied = await to.read();
      return from.values.every((value, i) => value === copied[i]) ? 0 : 1;
    },
  });
  const sides = software ? [512, 1024] : [2048, 4096];
  return [
    copy("copy by queue", () => device.copy(from.tensor, to)),
    copy("copy by kernel", () => rearrange(from.tensor, to, [{ n: count, x: 1, y: 1 }])),
    ...sides.map((side) => matmulCase(inputs, { m: side, n: side, k: side }, { transposeB: true })),
  ];
}

/** Checks the cases, then times them in turns. */
async function measure(device: Device, size: string, cases: readonly OpCase[], rounds: Rounds) {
  const subjects = [];
  for (const [index, opCase] of cases.entries()) {
    const error = await opCase.check();
    if (!isRight(error)) {
      const { name, shape } = opCase;
      throw new Error(`ops: ${name} ${shape} must be within ${TOLERANCE} of float64; got ${error}`);
    }
    const captured = (calls: number) =>
      compile(device, () => {
        for (let i = 0; i < calls; i++) opCase.record();
        return {};
      });
    const once = await captured(1);
    const runOnce = async () => {
      once.run();
      await device.finish();
    };
    await runOnce();
    const calls = await callsFor(SAMPLE_MS, MOST_CALLS, runOnce);
    const compiled = await captured(calls);
    if (compiled.dispatches !== calls * once.dispatches) {
      throw new Error(
        `ops: ${opCase.name} recorded ${calls} times must be as many calls; some were left out`,
      );
    }
    await once.dispose();
    const run = async () => {
      compiled.run();
      await device.finish();
    };
    subjects.push({ name: String(index), calls, run, opCase, error, compiled, dispatches: once.dispatches });
  }
  const times = await timeInTurns(subjects, rounds);
  const figures: OpFigures[] = [];
  for (const { name: index, opCase, error, compiled, dispatches } of subjects) {
    await compiled.dispose();
    const time = times.get(index)!;
    const { name, shape, cost } = opCase;
    figures.push({
      size,
      name,
      shape,
      ms: time,
      gigaflopsPerSecond: cost.flops / time.median / 1e6,
      gigabytesPerSecond: cost.bytes / time.median / 1e6,
      error,
      dispatches,
    });
  }
  return figures;
}

const withShare = (figures: OpFigures, cost: OpCase["cost"], roof: Roofline): OpFigures => ({
  ...figures,
  rooflineShare: boundMs(cost, roof) / figures.ms.median,
});

/** What a drawing shows of one size: every operation that computes something. */
const panelOf = (name: string, roofline: Roofline, figures: readonly OpFigures[]): RooflinePanel => ({
  name,
  roofline,
  points: figures.flatMap(({ rooflineShare, ...row }) =>
    rooflineShare === undefined || row.gigaflopsPerSecond === 0
      ? []
      : [{ ...row, name: `${row.name} ${row.shape}`, rooflineShare }],
  ),
});

function printFigures(figures: readonly OpFigures[]): void {
  const rows = figures.map((row) => [
    `${row.size} ${row.name}`,
    row.shape,
    ms(row.ms.median),
    `${ms(row.ms.q1)}..${ms(row.ms.q3)}`,
    ms(row.ms.min),
    row.gigaflopsPerSecond.toFixed(2),
    row.gigabytesPerSecond.toFixed(2),
    row.rooflineShare === undefined ? "" : `${(100 * row.rooflineShare).toFixed(0)} %`,
    String(row.dispatches),
    scientific(row.error),
  ]);
  const header = [
    "",
    "shape",
    "ms",
    "quartiles",
    "min",
    "GFLOP/s",
    "GB/s",
    "of roofline",
    "dispatches",
    "error",
  ];
  print(table(header, rows));
}

/** A shape in one line: what ships in brackets, the fastest first, TFLOP/s. */
const methodLine = ({ name, parts, shipped, methods }: MethodFigures): string => {
  const rates = methods.map(({ method, teraflopsPerSecond }) => {
    const rate = `${method} ${teraflopsPerSecond.toPrecision(3)}`;
    return method === shipped ? `[${rate}]` : rate;
  });
  return `${name}${parts > 1 ? ` in ${parts} parts` : ""}: ${rates.join(", ")}`;
};

await program("ops", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        sizes: { type: "string", default: Object.keys(SIZES).join(",") },
        batch: { type: "string" },
        only: { type: "string", default: "" },
        check: { type: "boolean", default: false },
        methods: { type: "boolean", default: false },
      },
    }),
  );
  const rounds = {
    warmup: wholeNumber("warmup", given.warmup, 1, 0),
    repeats: wholeNumber("repeats", given.repeats, 7),
  };
  const names = given.sizes.split(",");
  const unknown = names.find((name) => !Object.hasOwn(SIZES, name));
  if (unknown !== undefined) {
    throw new UsageError(`--sizes must be of ${Object.keys(SIZES).join(", ")}; got ${unknown}`);
  }
  const device = await openDevice();
  const where = circumstances(device.info);
  print(`${where.adapter}; Node ${where.node}, commit ${where.commit}\n`);
  if (given.methods) {
    const methods = await timeMethods(device, rounds, given.only, (figures) => print(methodLine(figures)));
    if (given.save) say(`saved ${saveResults("methods", where, { methods }, given.name)}`);
    if (given.json) print(JSON.stringify({ methods }));
    return;
  }
  const chosenBatch = wholeNumber("batch", given.batch, isSoftware(device.info) ? 2 : 64);
  const all: OpFigures[] = [];
  const panels: RooflinePanel[] = [];
  const checks: OpCheck[] = [];
  for (const name of names) {
    const { image, batch = chosenBatch, ...rest } = SIZES[name]!;
    say(`${name}: checking${given.check ? "" : ", then timing"}`);
    const inputs = new Inputs(device);
    const cases = casesOf(inputs, { batch, ...rest }, image).filter((opCase) =>
      opCase.name.includes(given.only),
    );
    if (given.check) {
      checks.push(...(await checkOps(name, cases)));
      await inputs.dispose();
      continue;
    }
    const roofCases = rooflineCases(device, inputs);
    const figures = await measure(device, name, [...roofCases, ...cases], rounds);
    await inputs.dispose();
    const [copies, products] = [figures.slice(0, 2), figures.slice(2, roofCases.length)];
    const roof: Roofline = {
      gigaflopsPerSecond: Math.max(...products.map((row) => row.gigaflopsPerSecond)),
      gigabytesPerSecond: Math.max(...copies.map((row) => row.gigabytesPerSecond)),
    };
    const rows = figures.map((row, i) =>
      i < roofCases.length ? row : withShare(row, cases[i - roofCases.length]!.cost, roof),
    );
    printFigures(rows);
    print();
    all.push(...rows);
    panels.push(panelOf(`${name}: batch ${batch}, ${rest.tokens} tokens, width ${rest.width}`, roof, rows));
  }
  if (given.check) {
    const rows = checks.map(({ size, name, shape, error }) => [`${size} ${name}`, shape, scientific(error)]);
    print(table(["", "shape", "error"], rows));
    const wrong = faults(checks);
    if (wrong) throw new Error(wrong);
    if (given.json) print(JSON.stringify({ checks }));
    return;
  }
  if (given.save) {
    say(`saved ${saveResults("ops", where, { ops: all }, given.name)}`);
    const drawing = rooflineChart("Operations under the adapter's roofline", where.adapter, panels);
    say(`saved ${saveDrawing("roofline", where, drawing, given.name)}`);
  }
  if (given.json) print(JSON.stringify({ ops: all }));
});
