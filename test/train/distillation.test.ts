// A teacher from a checkpoint: read with its head, given to the run, still while the student learns, saved with it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { vitFeatures } from "../../src/eval/features.ts";
import { timmInit } from "../../src/models/init.ts";
import { classify, headLogits, headSpecs, vit, vitSpecs } from "../../src/models/vit.ts";
import { savedEncoder } from "../../src/train/checkpoint.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { methodOf, type RunSettings } from "../../src/train/run.ts";
import { readTeacher, type Teacher } from "../../src/train/teacherFile.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { openBytes, restore, savedBytes, stateOf } from "./savedFile.ts";

const on = withDevice();
const classes = pictures.classes.length;
let images: DeviceImages;
let saved: Uint8Array;
let teacher: Teacher;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
  const expert = new Trainer(on.device, { ...smallRun("supervised"), seed: 8 }, images);
  await expert.prepare();
  expert.run();
  saved = await savedBytes(expert);
  teacher = await readTeacher(await openBytes(saved), classes);
});
afterAll(() => images.dispose());

function distilling(): RunSettings {
  const settings = smallRun("supervised");
  return { ...settings, config: { ...settings.config, teacher: teacher.encoder } };
}

async function runTo(steps: number): Promise<Trainer> {
  const trainer = new Trainer(on.device, distilling(), images);
  await trainer.ready(teacher.values);
  await trainer.prepare();
  while (trainer.step < steps) trainer.run();
  return trainer;
}

test("the teacher stays what its checkpoint has, while the student's second head learns", async () => {
  const { tensors } = await stateOf(await runTo(4));
  for (const [name, values] of teacher.values)
    expect([name, tensors.get(name)!.values]).toEqual([name, values]);
  expect(teacher.values.get("teacher.head.weight")).toHaveLength(classes * 32);
  expect([...tensors.keys()]).not.toContain("optimizer.exp_avg.teacher.head.weight");
  expect(tensors.get("head_dist.bias")!.values.some((value) => value !== 0)).toBe(true);
  expect(tensors.get("ema.head_dist.bias")!.values.some((value) => value !== 0)).toBe(true);
});

test("a resumed run needs no file, and has the bits of one that never stopped, captured or not", async () => {
  const whole = await runTo(5);
  const half = await stateOf(await runTo(3));
  const resumed = new Trainer(on.device, distilling(), images);
  await restore(resumed, half);
  await resumed.ready();
  while (resumed.step < 5) {
    resumed.writeInputs();
    on.device.tidy(() => resumed.record());
    resumed.advance();
  }
  expect(unequal(await stateOf(resumed), await stateOf(whole))).toEqual([]);
});

test("its checkpoint is read with both class tokens: features, logits, and as a teacher of another", async () => {
  const trainer = await runTo(1);
  const checkpoint = await openBytes(await savedBytes(trainer));
  const { params, config } = await savedEncoder(on.device, checkpoint);
  expect(config.distToken).toBe(true);
  expect(params.get("pos_embed").shape).toEqual([1, 2 + 16, 32]);
  const shown = new Float32Array(2 * 16 * 16 * 3).map((_, i) => Math.sin(i));
  const batch = Tensor.from(on.device, shown, [2, 16, 16, 3]);
  const { tokens } = vit(params, config, batch);
  const all = (await tokens.read()) as Float32Array;
  const mean = Array.from({ length: 32 }, (_, d) => {
    const column = Array.from({ length: 16 }, (__, n) => all[(2 + n) * 32 + d]!);
    return column.reduce((a, b) => a + b, 0) / 16;
  });
  const read = (await vitFeatures(params, config, "mean")(batch).read()) as Float32Array;
  for (const [d, value] of mean.entries()) expect(read[d]).toBeCloseTo(value, 5);
  const [first, second, both] = await Promise.all([
    headLogits(params, "head", tokens).read(),
    headLogits(params, "head_dist", tokens).read(),
    classify(params, tokens).read(),
  ]);
  for (const [i, value] of both.entries()) expect(value).toBeCloseTo((first[i]! + second[i]!) / 2, 5);
  expect(first).not.toEqual(second);
  const next = await readTeacher(checkpoint, classes);
  expect([...next.values.keys()]).toContain("teacher.head_dist.weight");
  expect([...next.values.keys()].filter((name) => name.startsWith("teacher.teacher"))).toEqual([]);
});

test("pictures of another size are seen with both tokens' positions as they are", async () => {
  const config = { ...teacher.encoder, distToken: true };
  const specs = [...vitSpecs(config, timmInit(1)), ...headSpecs(32, classes, timmInit(1))];
  const params = new Parameters(on.device, specs);
  const batch = Tensor.from(on.device, new Float32Array(32 * 32 * 3), [1, 32, 32, 3]);
  expect(vit(params, config, batch).tokens.shape).toEqual([1, 2 + 64, 32]);
});

test("what cannot be a teacher, and a run without one, are refused in one sentence", async () => {
  const checkpoint = await openBytes(saved);
  await expect(readTeacher(checkpoint, 7)).rejects.toThrow(
    `readTeacher: a teacher must tell the 7 classes of the run's pictures apart; it tells ${classes} (coat).`,
  );
  const of = (settings: RunSettings) => ({ ...checkpoint, info: { ...checkpoint.info, settings } });
  await expect(readTeacher(of(smallRun("mae")), classes)).rejects.toThrow("by supervised; got mae");
  const trainer = () => new Trainer(on.device, distilling(), images);
  await expect(trainer().prepare()).rejects.toThrow(
    "supervised: the run must be given all values of its teacher; got none of cls_token. Pass them to Trainer.ready",
  );
  const part = new Map([...teacher.values].filter(([name]) => name !== "teacher.head.bias"));
  await expect(trainer().ready(part)).rejects.toThrow("got none of head.bias");
  const other = new Map([...teacher.values, ["teacher.head.bias", new Float32Array(3)] as const]);
  await expect(trainer().ready(other)).rejects.toThrow(`head.bias must hold ${classes} values; got 3`);
  const stranger = new Map([...teacher.values, ["ghost", new Float32Array(3)] as const]);
  await expect(trainer().ready(stranger)).rejects.toThrow("supervised: ghost must hold 0 values; got 3");
  const coarse = { ...distilling(), config: { teacher: { ...teacher.encoder, patchSize: 12 } } };
  expect(() => methodOf(coarse)).toThrow("the teacher's patches must divide pictures of 16 pixels; got 12");
});
