import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { toHalf, writeSafetensors } from "../../src/data/safetensors.ts";
import { methodOf, runSettings } from "../../src/train/run.ts";
import type { Program } from "./program.ts";

/** A tiny encoder of MoCo v3 with its first values, as a study leaves it in the folder of a cell. */
export function writeMoco(folder: string): void {
  const settings = runSettings({
    method: "moco-v3",
    model: "vit_micro_patch16_32",
    data: { name: "drawn", count: 4, width: 32, height: 32 },
    seed: 0,
    batchSize: 2,
    totalSteps: 1,
    config: { hiddenDim: 8, dim: 6 },
  });
  const { networks, encoder } = methodOf(settings);
  const tensors = networks(0)[encoder.network]!.map(({ name, shape, values }) => {
    const data = Uint16Array.from(values, toHalf);
    return [name, { dtype: "F16", shape, data }] as const;
  });
  const metadata = { partwise: JSON.stringify({ format: "partwise.encoder.1", settings }) };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "encoder.safetensors"), writeSafetensors(new Map(tensors), metadata));
}

/** Holds a run of a method other than MAE to be one whose encoder can be measured, and that MAE does not go on with. */
export async function expectOnlyMeasured(
  program: Program,
  run: string,
  { method, step }: { method: string; step: number },
): Promise<void> {
  const knn = "eval knn --data creatures-coat-parts --limit 10 --k 5 --checkpoint".split(" ");
  const measured = await program.json(...knn, run);
  expect(measured).toMatchObject({ method, step, classes: 5, data: "creatures-coat-train-parts" });
  const resumed = await program.run(..."pretrain mae --data creatures-coat --resume --out".split(" "), run);
  expect(resumed.stderr).toContain(`must be one of mae; it is one of ${method}`);
  expect(resumed.code).toBe(2);
}
