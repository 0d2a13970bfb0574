import { expect, test } from "vitest";
import { Device } from "../../src/engine/gpu/device.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import type { RunSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { testGpu, testOptions } from "../gpu.ts";
import { pictures, smallRun } from "./methodRuns.ts";

const half = (settings: RunSettings): RunSettings => ({ ...settings, precision: "f16" });

test("f16: losses stay within 1 % of f32's; an overflow is skipped, halves the scale, and the run goes on", async () => {
  const losses: number[][] = [];
  for (const precision of ["f32", "f16"] as const) {
    const device = await Device.open(testGpu(), { ...testOptions(), precision });
    const images = await DeviceImages.upload(device, pictures);
    const settings = smallRun("mae", { totalSteps: 60 });
    const trainer = new Trainer(device, precision === "f16" ? half(settings) : settings, images);
    await trainer.prepare();
    while (trainer.step < 60) trainer.run();
    const rows = await trainer.ring.read(0, 60);
    losses.push(rows.map(({ values }) => values.loss!));
    if (precision === "f16") {
      expect([...(await trainer.guard.scaling!.read())]).toEqual([65_536, 60, 0]);
      const before = await trainer.state();
      trainer.guard.scaling!.write([2 ** 126, 60, 0]);
      trainer.run();
      expect([...(await trainer.guard.scaling!.read())]).toEqual([2 ** 125, 0, 1]);
      const skipped = await trainer.state();
      for (const [name, values] of before.tensors) {
        if (!name.startsWith("guard.")) expect(skipped.tensors.get(name), name).toEqual(values);
      }
      expect(skipped.step).toBe(61);
      expect((await trainer.guard.read()).halted).toBe(false);
      trainer.guard.scaling!.write([1024, 0, 0]);
      const saved = await trainer.state();
      for (let i = 0; i < 2; i++) trainer.run();
      const whole = await trainer.state();
      expect(whole.tensors).not.toEqual(saved.tensors);
      const resumed = new Trainer(device, half(settings), images);
      resumed.restore(saved);
      await resumed.prepare();
      for (let i = 0; i < 2; i++) resumed.run();
      expect(await resumed.state()).toEqual(whole);
    }
    await device.finish();
    device.destroy();
  }
  for (const [i, loss] of losses[1]!.entries()) {
    expect(Math.abs(loss - losses[0]![i]!) / losses[0]![i]!, `step ${i}`).toBeLessThan(0.01);
  }
  expect(losses[1]).not.toEqual(losses[0]);
});

test("many bad steps in a row halt; good ones between them do not let it come to that", async () => {
  const device = await Device.open(testGpu(), testOptions());
  const guard = new Guard(device, { scaled: true });
  const step = (loss: number): void => {
    guard.check(Tensor.from(device, [loss], []));
    guard.settle();
  };
  for (let i = 0; i < 31; i++) step(Number.NaN);
  expect(await guard.read()).toEqual({ halted: false, steps: 31 });
  step(1);
  expect([...(await guard.scaling!.read())]).toEqual([2 ** (16 - 31), 1, 0]);
  for (let i = 0; i < 34; i++) step(Number.NaN);
  expect(await guard.read()).toEqual({ halted: true, steps: 63 });
  guard.scaling!.write([4, 1999, 0]);
  guard.restart();
  step(1);
  expect([...(await guard.scaling!.read())]).toEqual([8, 0, 0]);
  device.destroy();
});
