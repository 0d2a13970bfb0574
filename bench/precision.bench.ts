// Precision f16 on this adapter, in the order in which one wants to know: does it open, are its matrices right, how fast are
// products, does a run learn as in f32.
//   npm run bench -- precision [--only probe,products,steps] [--steps 300] [--model vit_small_patch16_224] [--batch 64]
// `probe` says what the adapter offers and which tiles the self-test refused. `products` checks and times every method
// at the shapes of ViT-S and B steps. `steps` makes the same MAE steps in both precisions: the largest relative difference
// of losses, and pictures a second. On a host without node_modules: node bench/dist/precision.mjs.
import { parseArgs } from "node:util";
import { isSoftware } from "../src/cli/dawn.ts";
import { creatures } from "../src/data/creatures/creatures.ts";
import { compile } from "../src/engine/capture/compile.ts";
import type { Device, Precision } from "../src/engine/gpu/device.ts";
import { matrixShapes } from "../src/engine/gpu/matrices.ts";
import { shapeClass } from "../src/engine/gpu/tuning.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { gemm } from "../src/engine/ops/gemm.ts";
import { gemmMethods, shippedMethod } from "../src/engine/ops/gemmMethods.ts";
import { vitConfig } from "../src/models/vit.ts";
import { DeviceImages } from "../src/train/deviceImages.ts";
import { runSettings } from "../src/train/run.ts";
import { Trainer } from "../src/train/trainer.ts";
import { openDevice } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, wholeNumber } from "./measure/program.ts";
import { table } from "./measure/table.ts";
import { Inputs } from "./ops/opCase.ts";
import { productError } from "./ops/products.ts";

/** f16 keeps eleven bits; products of them are exact in f32. */
const TOLERANCE = 1e-3;
const SAMPLES = 7;

const rows = 64 * 197;
const SHAPES = [
  [4096, 4096, 4096, "nt"],
  [rows, 1152, 384, "nt"],
  [rows, 384, 384, "nt"],
  [rows, 1536, 384, "nt"],
  [rows, 384, 1536, "nt"],
  [rows, 3072, 768, "nt"],
  [rows, 768, 3072, "nt"],
  [rows, 384, 1536, "nn"],
  [rows, 768, 3072, "nn"],
  [1536, 384, rows, "tn"],
  [384, 384, rows, "tn"],
  [3072, 768, rows, "tn"],
  [1024, 1024, 1024, "nt"],
] as const;

function probe(device: Device): void {
  const { info, capabilities, gpu, limits } = device;
  const { matrices } = capabilities;
  print(`adapter    ${info.description || info.vendor}`);
  print(`features   ${[...gpu.features].sort().join(", ")}`);
  print(`lanes      ${info.subgroupMinSize} to ${info.subgroupMaxSize}, ${capabilities.subgroupSize} used`);
  print(`workgroup  ${limits.maxComputeWorkgroupStorageSize} bytes`);
  print(
    `matrices   ${
      matrixShapes(info)
        .map(({ m, n, k }) => `${m}x${n}x${k}`)
        .join(", ") || "none"
    } (f16 to f32)`,
  );
  print(
    `tiles      ${matrices?.tiles.map(({ rows, columns }) => `${rows}x${columns}`).join(", ") || "none"}`,
  );
  print(`refused    ${matrices?.refused.join("; ") || "none"}`);
}

/** Milliseconds of one product by each method, and its error. */
async function products(device: Device): Promise<void> {
  const lines: string[][] = [];
  const shapes = isSoftware(device.info) ? [[256, 256, 256, "nt"] as const] : SHAPES;
  for (const [m, n, k, layout] of shapes) {
    const [transposeA, transposeB] = [layout[0] === "t", layout[1] === "t"];
    const inputs = new Inputs(device);
    const [a, b] = [inputs.normal(transposeA ? [k, m] : [m, k]), inputs.normal(transposeB ? [n, k] : [k, n])];
    const y = Tensor.empty(device, [m, n]);
    inputs.onDispose(() => y.dispose());
    const shape = { m, n, k, batch: 1, transposeA, transposeB };
    const shipped = shippedMethod(device, shape);
    for (const { name } of gemmMethods(device.capabilities)) {
      if (device.capabilities.matrices === null && name === "plain") continue;
      device.tuning.choices = new Map([[shapeClass(shape), name]]);
      device.tuning.choose = () => name;
      const record = () => gemm({ a: a.tensor, b: b.tensor, y, ...shape });
      record();
      const stored = ({ tensor, values }: typeof a, transposed: boolean) => {
        const [rows, columns] = tensor.shape as [number, number];
        return { values, rows, columns, transposed };
      };
      const error = productError(await y.read(), stored(a, transposeA), stored(b, transposeB));
      const calls = Math.max(1, Math.min(64, Math.round(2e12 / (2 * m * n * k))));
      const compiled = await compile(device, () => {
        for (let i = 0; i < calls; i++) record();
        return {};
      });
      const times: number[] = [];
      for (let i = 0; i < SAMPLES; i++) {
        const start = performance.now();
        compiled.run();
        await device.finish();
        times.push((performance.now() - start) / calls);
      }
      await compiled.dispose();
      const ms = times.sort((p, q) => p - q)[SAMPLES >> 1]!;
      lines.push([
        `${layout} ${m}x${n}x${k}`,
        name === shipped ? `${name} *` : name,
        ms.toFixed(3),
        ((2 * m * n * k) / ms / 1e9).toFixed(1),
        error.toExponential(1) + (error < TOLERANCE ? "" : " WRONG"),
      ]);
    }
    await inputs.dispose();
  }
  print(table(["product", "method (* ships)", "ms", "TFLOP/s", "error"], lines));
}

interface Course {
  losses: number[];
  imagesPerSecond: number;
}

/** The losses of a MAE run's first steps. */
async function course(
  precision: Precision,
  options: { model: string; batch: number; steps: number },
): Promise<Course> {
  const { model, batch, steps } = options;
  const device = await openDevice({ precision });
  const side = vitConfig(model).imageSize;
  const pictures = creatures({ kind: "creatures-coat", count: 4 * batch, seed: 1, size: side });
  const images = await DeviceImages.upload(device, pictures);
  const { name, count, width, height } = pictures;
  const settings = runSettings({
    method: "mae",
    model,
    data: { name, count, width, height },
    seed: 1,
    batchSize: batch,
    totalSteps: steps,
    precision,
  });
  const trainer = new Trainer(device, settings, images);
  await trainer.prepare();
  const losses: number[] = [];
  let start = performance.now();
  while (trainer.step < steps) {
    trainer.run();
    if (trainer.step === 1) {
      await device.finish();
      start = performance.now();
    }
    if (trainer.step % 32 === 0 || trainer.step === steps) {
      const read = await trainer.ring.read(losses.length, trainer.step);
      losses.push(...read.map(({ values }) => values.loss!));
    }
  }
  const imagesPerSecond = (1000 * batch * (steps - 1)) / (performance.now() - start);
  device.destroy();
  return { losses, imagesPerSecond };
}

async function compareSteps(options: { model: string; batch: number; steps: number }): Promise<void> {
  const f32 = await course("f32", options);
  const f16 = await course("f16", options);
  const differences = f32.losses.map((loss, i) => Math.abs(f16.losses[i]! - loss) / loss);
  const worst = Math.max(...differences);
  print(`mae ${options.model}, batch ${options.batch}, ${options.steps} steps`);
  for (const [name, { losses, imagesPerSecond }] of Object.entries({ f32, f16 })) {
    print(
      `  ${name}: loss ${losses[0]!.toFixed(4)} to ${losses.at(-1)!.toFixed(4)}, ${imagesPerSecond.toFixed(1)} pictures/s`,
    );
  }
  print(`  losses differ by at most ${(100 * worst).toFixed(3)} %, in step ${differences.indexOf(worst)}`);
}

await program("precision", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        only: { type: "string", default: "probe,products,steps" },
        steps: { type: "string" },
        model: { type: "string" },
        batch: { type: "string" },
      },
    }),
  );
  const only = given.only.split(",");
  const device = await openDevice({ precision: "f16" });
  const software = isSoftware(device.info);
  if (only.includes("probe")) probe(device);
  if (only.includes("products")) await products(device);
  device.destroy();
  if (!only.includes("steps")) return;
  say("steps in both precisions");
  await compareSteps({
    model: given.model ?? (software ? "vit_micro_patch8_32" : "vit_small_patch16_224"),
    batch: wholeNumber("batch", given.batch, software ? 8 : 64),
    steps: wholeNumber("steps", given.steps, software ? 60 : 300),
  });
});
