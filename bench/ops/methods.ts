// Every method of a matrix product on the shapes of training steps, side by side: `bench -- ops --methods`.
import { isSoftware } from "../../src/cli/system/dawn.ts";
import { compile } from "../../src/engine/capture/compile.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { type GemmShape, Tuning } from "../../src/engine/gpu/tuning.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { square, sub } from "../../src/engine/ops/elementwise.ts";
import { gemm } from "../../src/engine/ops/gemm.ts";
import { shippedMethod } from "../../src/engine/ops/gemmChoice.ts";
import { gemmMethods } from "../../src/engine/ops/gemmMethods.ts";
import { partsOfK } from "../../src/engine/ops/gemmParts.ts";
import { sum } from "../../src/engine/ops/sum.ts";
import { Random } from "../../src/engine/random.ts";
import { callsFor, type Rounds, type Summary, timeInTurns } from "../measure/samples.ts";
import { isRight, TOLERANCE } from "./checks.ts";
import { productError } from "./products.ts";

/** What is said of one shape. */
export interface MethodFigures {
  /** NT, NN or TN with m, n and k. */
  name: string;
  /** Parts into which k is cut. */
  parts: number;
  shipped: string;
  /** Relative error of the first method against float64; all others give its bits. */
  error: number;
  /** The fastest first; teraflops a second by the median time. */
  methods: { method: string; ms: Summary; teraflopsPerSecond: number }[];
  /** Methods whose first call took many times as long as the fastest one's. */
  skipped: string[];
}

/** A sample repeats its call until it takes about this long: a submit, 34 µs on an H100, is little beside it. */
const SAMPLE_MS = 8;
const MOST_CALLS = 256;
const HOPELESS = 6;

type Layout = "NT" | "NN" | "TN";
type Sides = readonly [m: number, n: number, k: number];

/** Rows of a ViT-S or ViT-B step of 64 pictures, or of two on a software adapter. */
const rowsOf = (software: boolean): number => (software ? 2 : 64) * 197;

/** Products of ViT-S and ViT-B, weight gradients of a micro model, and squares. */
function shapesOf(software: boolean): [Layout, Sides][] {
  const rows = rowsOf(software);
  const squares = (software ? [256] : [1024, 4096]).map((side): [Layout, Sides] => [
    "NT",
    [side, side, side],
  ]);
  return [
    ["NT", [rows, 1152, 384]],
    ["NT", [rows, 384, 384]],
    ["NT", [rows, 1536, 384]],
    ["NT", [rows, 384, 1536]],
    ["NT", [rows, 3072, 768]],
    ["NT", [rows, 768, 3072]],
    ["NN", [rows, 384, 384]],
    ["NN", [rows, 384, 1536]],
    ["NN", [rows, 768, 3072]],
    ["TN", [384, 384, rows]],
    ["TN", [1152, 384, rows]],
    ["TN", [1536, 384, rows]],
    ["TN", [3072, 768, rows]],
    ["TN", [288, 96, software ? 130 : 2176]],
    ["TN", [96, 384, software ? 130 : 4352]],
    ...squares,
  ];
}

/** Times every method on every shape whose name holds `only`, after checking its result. */
export async function timeMethods(
  device: Device,
  rounds: Rounds,
  only: string,
  onFigures: (figures: MethodFigures) => void,
): Promise<MethodFigures[]> {
  const all: MethodFigures[] = [];
  for (const [layout, [m, n, k]] of shapesOf(isSoftware(device.info))) {
    const name = `${layout} ${m}x${n}x${k}`;
    if (!name.includes(only)) continue;
    const shape = { m, n, k, batch: 1, transposeA: layout === "TN", transposeB: layout === "NT" };
    const figures = await timeShape(device, name, shape, rounds);
    all.push(figures);
    onFigures(figures);
  }
  return all;
}

async function timeShape(
  device: Device,
  name: string,
  shape: GemmShape,
  rounds: Rounds,
): Promise<MethodFigures> {
  const { m, n, k, transposeA, transposeB } = shape;
  const random = new Random(1, "test");
  const stored = (rows: number, columns: number, transposed: boolean) => {
    const values = noise(random, rows * columns);
    return { tensor: Tensor.from(device, values, [rows, columns]), values, rows, columns, transposed };
  };
  const a = transposeA ? stored(k, m, true) : stored(m, k, false);
  const b = transposeB ? stored(n, k, true) : stored(k, n, false);
  const [reference, y] = [Tensor.empty(device, [m, n]), Tensor.empty(device, [m, n])];
  const record = (method: string, to: Tensor) => {
    const tuning = new Tuning();
    tuning.choose = () => method;
    device.tuning = tuning;
    gemm({ a: a.tensor, b: b.tensor, y: to, m, n, k, transposeA, transposeB });
  };
  const parts = partsOfK(shape).count;
  const shipped = shippedMethod(device, shape, parts);
  const names = gemmMethods(device.capabilities).map((method) => method.name);
  record(shipped, reference);
  const error = productError(await reference.read(), a, b);
  if (!isRight(error)) {
    throw new Error(`ops: ${name} by ${shipped} must be within ${TOLERANCE} of float64; got ${error}`);
  }
  const subjects = [];
  const skipped: string[] = [];
  let fastest = Number.POSITIVE_INFINITY;
  for (const method of [shipped, ...names.filter((other) => other !== shipped)]) {
    if (isSoftware(device.info) && method.startsWith("tile")) {
      skipped.push(method); // compiled for seconds
      continue;
    }
    record(method, y);
    const difference = device.tidy(() => sum(square(sub(y, reference))));
    const [found] = await difference.read();
    difference.dispose();
    if (found !== 0)
      throw new Error(`ops: ${name} by ${method} must have the bits of ${shipped}; got others`);
    const captured = (calls: number) =>
      compile(device, () => {
        for (let i = 0; i < calls; i++) record(method, y);
        return {};
      });
    const once = await captured(1);
    const runOnce = async () => {
      once.run();
      await device.finish();
    };
    const start = performance.now();
    await runOnce();
    const took = performance.now() - start;
    fastest = Math.min(fastest, took);
    if (took > HOPELESS * fastest) {
      skipped.push(method);
      await once.dispose();
      continue;
    }
    const calls = await callsFor(SAMPLE_MS, MOST_CALLS, runOnce);
    await once.dispose();
    const compiled = await captured(calls);
    const run = async () => {
      compiled.run();
      await device.finish();
    };
    subjects.push({ name: method, calls, run, compiled });
  }
  const times = await timeInTurns(subjects, rounds);
  for (const { compiled } of subjects) await compiled.dispose();
  for (const tensor of [a.tensor, b.tensor, reference, y]) tensor.dispose();
  await device.allocator.trim();
  const methods = [...times]
    .map(([method, ms]) => ({ method, ms, teraflopsPerSecond: (2 * m * n * k) / ms.median / 1e9 }))
    .sort((p, q) => p.ms.median - q.ms.median);
  return { name, parts, shipped, error, methods, skipped };
}

/** A few thousand values of N(0, 1), over and over, from places that no size divides: quick to make for large matrices. */
function noise(random: Random, size: number): Float32Array<ArrayBuffer> {
  const few = random.fillNormal(new Float32Array(4099));
  const values = new Float32Array(size);
  for (let at = 0; at < size; at += few.length) values.set(few.subarray(0, size - at), at);
  return values;
}
