import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { step64 } from "../../bench/reference64/step64.ts";
import { parseStepConfig, stepProblem } from "../../bench/stepProblem.ts";
import { writeProblem } from "../../bench/torch/problemFile.ts";
import { readSafetensors } from "../../src/data/safetensors.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const folder = mkdtempSync(join(tmpdir(), "partwise-torch-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function written(step: string) {
  const path = join(folder, "step.safetensors");
  await writeProblem(on.device, step, path);
  const { tensors, metadata } = readSafetensors(readFileSync(path));
  const norms: Record<string, number> = JSON.parse(metadata.gradientNorms!);
  return { tensors, norms, settings: JSON.parse(metadata.settings!), loss: Number(metadata.loss) };
}

test("the reference step's file holds its numbers, and the loss and gradient norms of float64", async () => {
  const config = "batch=2,width=8,depth=1,heads=2,image=8,patch=4,classes=3";
  const { tensors, norms, settings, loss } = await written(`reference:${config}`);
  const problem = stepProblem(parseStepConfig(config));
  for (const { name, values } of problem.parameters) expect(tensors.get(name)!.data, name).toEqual(values);
  expect(tensors.get("images")!.shape).toEqual([2, 8, 8, 3]);
  expect([...tensors.get("labels")!.data]).toEqual([...problem.labels]);
  expect(settings).toMatchObject({ kind: "reference", heads: 2, classes: 3, weightDecay: 0.05 });
  const expected = step64(problem);
  expect(loss).toBeCloseTo(expected.losses[0], 5);
  expect(Object.keys(norms).sort()).toEqual([...expected.gradients.keys()].sort());
  for (const [name, gradient] of expected.gradients) {
    expect(norms[name], name).toBeCloseTo(Math.hypot(...gradient), 5);
  }
});

test("a step of MAE is written with its masking noise, and no vector of it is at its first value", async () => {
  const { tensors, norms, settings, loss } = await written("mae:vit_micro_patch4_32:2");
  expect(tensors.get("noise")!.shape).toEqual([2, 64]);
  expect(settings).toMatchObject({ kind: "mae", embedDim: 96, decoderEmbedDim: 64, maskRatio: 0.75 });
  expect(loss).toBeGreaterThan(0.5);
  expect(loss).toBeLessThan(5); // normalised pixels against a prediction of their own size
  expect(norms).not.toHaveProperty("pos_embed"); // fixed
  expect(Math.hypot(...Object.values(norms))).toBeGreaterThan(0);
  const special = [...tensors].filter(
    ([, { shape, data }]) => shape.length === 1 && (data[0] === 0 || data[0] === 1),
  );
  expect(special.map(([name]) => name)).toEqual([]);
});
