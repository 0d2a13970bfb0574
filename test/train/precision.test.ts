import { expect, test } from "vitest";
import { compile } from "../../src/engine/capture/compile.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard, NonFiniteLossError } from "../../src/engine/graph/guard.ts";
import { LossScale } from "../../src/engine/graph/lossScale.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { mul } from "../../src/engine/ops/elementwise.ts";
import { sum } from "../../src/engine/ops/sum.ts";
import { clipGradients } from "../../src/engine/optim/clip.ts";
import { restoreTrainer } from "../../src/train/checkpoint.ts";
import { type ProgressRow, train } from "../../src/train/loop.ts";
import { planRun } from "../../src/train/plan.ts";
import { FORMAT, settingsIn } from "../../src/train/savedSettings.ts";
import type { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { openBytes, type SavedState, savedBytes, stateOf } from "./savedFile.ts";
import { tinySettings, tinyTrainer } from "./tinyRun.ts";

const [f32, f16] = [withDevice(), withDevice({ precision: "f16" })];
const half = (totalSteps: number) => tinySettings({ totalSteps, precision: "f16" });

async function ready(totalSteps = 60): Promise<Trainer> {
  const trainer = await tinyTrainer(f16.device, half(totalSteps));
  await trainer.prepare();
  return trainer;
}

/** The numbers of the loss scale: the scale, good steps since it changed, bad steps in a row. */
async function scaling(trainer: Trainer): Promise<number[]> {
  const { kept } = trainer.guard.scale!;
  return Promise.all(["scale", "goodSteps", "badSteps"].map((name) => kept.get(name).item()));
}

const setScaling = (trainer: Trainer, name: string, value: number): void =>
  trainer.guard.scale!.kept.get(name).write([value]);

/** A scale with which gradients leave f16 in any product. */
const OVERFLOW = 2 ** 60;

/** The names of tensors that differ, those of the loss scale aside. */
const moved = (a: SavedState, b: SavedState): string[] =>
  unequal(a, b).filter((name) => !name.startsWith("lossScale."));

test("sixty steps in f16: losses within 1 % of f32's, and not the same", async () => {
  const losses: number[][] = [];
  for (const [{ device }, settings] of [
    [f32, tinySettings({ totalSteps: 60 })],
    [f16, half(60)],
  ] as const) {
    const trainer = await tinyTrainer(device, settings);
    await trainer.prepare();
    while (trainer.step < 60) trainer.run();
    const rows = await trainer.ring.read(0, 60);
    losses.push(rows.map(({ values }) => values.loss!));
    if (device === f16.device) expect(rows.every(({ values }) => values.skipped === 0)).toBe(true);
  }
  const [whole, rounded] = losses as [number[], number[]];
  expect(whole.at(-1)).toBeLessThan(0.98 * whole[0]!);
  for (const [i, loss] of rounded.entries()) {
    expect(Math.abs(loss - whole[i]!) / whole[i]!, `step ${i}`).toBeLessThan(0.01);
  }
  expect(rounded).not.toEqual(whole);
});

test.each(["captured", "uncaptured"] as const)(
  "%s: an overflow is skipped and halves the scale, good steps double it",
  async (how) => {
    const trainer = await ready();
    const step = await compile(f16.device, () => trainer.record());
    const run = () => {
      trainer.writeInputs();
      if (how === "captured") step.run();
      else f16.device.tidy(() => trainer.record());
      trainer.advance();
    };
    run();
    expect(await scaling(trainer)).toEqual([65_536, 1, 0]);
    const before = await stateOf(trainer);
    setScaling(trainer, "scale", OVERFLOW);
    run();
    expect(await scaling(trainer)).toEqual([OVERFLOW / 2, 0, 1]);
    const skipped = await stateOf(trainer);
    expect([moved(skipped, before), skipped.step]).toEqual([[], 2]);
    const [row] = await trainer.ring.read(1, 2);
    expect(row!.values).toMatchObject({ skipped: 1, lossScale: OVERFLOW / 2 });
    expect(Number.isFinite(row!.values.gradNorm)).toBe(false);

    setScaling(trainer, "scale", 1024);
    setScaling(trainer, "goodSteps", 1998);
    run();
    expect(await scaling(trainer)).toEqual([1024, 1999, 0]);
    run();
    expect(await scaling(trainer)).toEqual([2048, 0, 0]);
    expect((await trainer.guard.read()).halted).toBe(false);
    expect(moved(await stateOf(trainer), skipped)).not.toEqual([]);
    await step.dispose();
  },
);

test("gradients are scaled back in their norm and by their factors, and clipped as the loss's own", async () => {
  const { device } = f16;
  const params = new Parameters(device, [{ name: "weight", shape: [2], values: Float32Array.of(0, 0) }]);
  const scale = new LossScale(device);
  scale.value.write([1024]);
  const { tensors, into } = params.trainable();
  const loss = sum(mul(tensors[0]!, Tensor.from(device, [3, 4], [2])));
  grad(loss, tensors, { into, seed: scale.value });
  expect([...(await into[0]!.read())]).toEqual([3072, 4096]);
  const { norm, factors } = clipGradients(params, new Guard(device, scale), { limit: 0.5 });
  expect(await norm.item()).toBe(5);
  expect((await factors.item()) * 1024).toBeCloseTo(0.5 / (5 + 1e-6), 7);
});

test("a resumed run is the whole one to the bit, skipped steps and scale included", async () => {
  const whole = await ready();
  whole.run();
  setScaling(whole, "scale", OVERFLOW);
  whole.run();
  const bytes = await savedBytes(whole);
  setScaling(whole, "scale", 512); // both go on from here: a scale in between costs a step to find
  whole.run();
  whole.run();
  const checkpoint = await openBytes(bytes);
  expect(checkpoint.info).toMatchObject({ step: 2, settings: { precision: "f16" } });
  const resumed = await ready();
  await restoreTrainer(resumed, checkpoint);
  expect(await scaling(resumed)).toEqual([OVERFLOW / 2, 0, 1]);
  setScaling(resumed, "scale", 512);
  resumed.run();
  resumed.run();
  expect(unequal(await stateOf(resumed), await stateOf(whole))).toEqual([]);
});

test("the loop passes skipped steps and tells them", async () => {
  const trainer = await ready(6);
  setScaling(trainer, "scale", OVERFLOW);
  trainer.run(); // one is over before the loop looks
  const rows: ProgressRow[] = [];
  setScaling(trainer, "scale", OVERFLOW);
  let clock = 0;
  await train(trainer, {
    now: () => clock++,
    onProgress(row) {
      rows.push(row);
      setScaling(trainer, "scale", 1024);
    },
  });
  expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  expect(rows[0]!.metrics.skipped).toBe(2);
  expect(rows.at(-1)!.metrics.skipped).toBe(0);
  expect(rows.at(-1)!.gradNorm).toBeGreaterThan(0);
});

test("many bad steps in a row halt the run, at the state before them", async () => {
  const trainer = await ready(50);
  trainer.run();
  const before = await stateOf(trainer);
  const fixed = trainer.trained.get("decoder_pos_embed"); // never trained: a NaN in it stays
  fixed.write(before.tensors.get("decoder_pos_embed")!.values.map(() => Number.NaN));
  let clock = 0;
  const running = train(trainer, { now: () => clock++, onProgress: () => undefined });
  await expect(running).rejects.toThrow(NonFiniteLossError);
  await expect(running).rejects.toThrow(
    /^step 32: loss and gradients must be finite; .*, 32 steps in a row\. /,
  );
  expect(await trainer.guard.read()).toEqual({ halted: true, steps: 32 });
  expect(moved(await stateOf(trainer), before)).toEqual(["decoder_pos_embed"]);
});

test("a plan counts the loss scale, and its dispatches", () => {
  const [plain, scaled] = [planRun(f32.device, tinySettings()), planRun(f16.device, half(7))];
  expect(scaled.other).toBeGreaterThan(plain.other);
  expect(scaled.dispatches).toBeGreaterThan(plain.dispatches);
});

test("precision is part of a run: saved, f32 where a file does not say, and the device's", async () => {
  expect(tinySettings({ precision: "f32" })).not.toHaveProperty("precision");
  expect(settingsIn(FORMAT, JSON.parse(JSON.stringify(half(7)))).precision).toBe("f16");
  expect(settingsIn(FORMAT, tinySettings()).precision).toBeUndefined();
  expect(() => settingsIn(FORMAT, { ...half(7), precision: "f8" })).toThrow(
    'settings.precision in its metadata must be one of f32, f16; got "f8"',
  );
  await expect(tinyTrainer(f32.device, half(7))).rejects.toThrow(
    "Trainer: the device must be of the run's precision, f16; got f32. Open it with { precision }",
  );
});
