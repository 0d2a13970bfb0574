import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { capture } from "../../src/engine/capture/compile.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { methodOf, type RunSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { pictures, smallRun } from "./methodRuns.ts";

const on = withDevice();
let images: DeviceImages;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
});
afterAll(() => images.dispose());

const names = Object.keys(METHODS) as MethodName[];

/** Everything a run keeps, after so many steps. */
async function stateAfter(settings: RunSettings, steps: number) {
  const trainer = new Trainer(on.device, settings, images);
  await trainer.prepare();
  while (trainer.step < steps) trainer.run();
  return trainer.state();
}

describe.each(names)("%s", (name) => {
  test("six captured steps have the bits of six uncaptured ones, with every schedule moving", async () => {
    const trainer = new Trainer(on.device, smallRun(name), images);
    await trainer.ready();
    for (let step = 0; step < 6; step++) {
      trainer.writeInputs();
      on.device.tidy(() => trainer.record());
      trainer.advance();
    }
    expect(await stateAfter(smallRun(name), 6)).toEqual(await trainer.state());
  });

  test("a resumed run has the bits of one that never stopped, in all networks and moments", async () => {
    const whole = await stateAfter(smallRun(name), 7);
    const resumed = new Trainer(on.device, smallRun(name), images);
    resumed.restore(await stateAfter(smallRun(name), 3));
    await resumed.prepare();
    while (resumed.step < 7) resumed.run();
    expect(await resumed.state()).toEqual(whole);
    expect([...whole.tensors.values()].every(({ values }) => values.every(Number.isFinite))).toBe(true);
  });

  test("a step is one submit and creates nothing", async () => {
    const trainer = new Trainer(on.device, smallRun(name), images);
    await trainer.prepare();
    trainer.run();
    const before = { ...on.device.counters };
    trainer.run();
    const { submits, dispatches, ...others } = on.device.counters;
    expect(submits - before.submits).toBe(1);
    expect(dispatches).toBeGreaterThan(before.dispatches);
    expect({ ...before, submits, dispatches }).toEqual({ ...others, submits, dispatches });
  });

  test("can be planned without a device, and refuses a batch that is too small", () => {
    const planning = Device.planning(on.device);
    const trainer = new Trainer(planning, smallRun(name), DeviceImages.allocate(planning, pictures));
    const { commands } = capture(planning, () => trainer.record());
    expect(commands.length).toBeGreaterThan(20);
    const { leastBatch = 1 } = methodOf(smallRun(name));
    if (leastBatch > 1) {
      expect(() => methodOf({ ...smallRun(name), batchSize: leastBatch - 1 })).toThrow(
        `${name}: a batch must have ${leastBatch} pictures or more; got ${leastBatch - 1}`,
      );
    }
  });

  test("everything that moves is read: held still, the run is another", async () => {
    const whole = await stateAfter(smallRun(name), 6);
    for (const [moving, { at }] of Object.entries(methodOf(smallRun(name)).moving)) {
      const trainer = new Trainer(on.device, smallRun(name), images);
      const asked: number[] = [];
      // The value of the first step for ever.
      Object.assign(trainer.method.moving[moving]!, {
        at: (moment: Parameters<typeof at>[0]) => {
          asked.push(moment.step);
          return at({ ...moment, step: 0, epoch: 0 });
        },
      });
      await trainer.prepare();
      while (trainer.step < 6) trainer.run();
      const still = await trainer.state();
      const changes =
        new Set(Array.from({ length: 6 }, (_, step) => `${at(momentAt(trainer, step))}`)).size > 1;
      expect([moving, JSON.stringify([...still.tensors]) !== JSON.stringify([...whole.tensors])]).toEqual([
        moving,
        changes,
      ]);
    }
  });
});

const momentAt = ({ settings, batches }: Trainer, step: number) => ({
  seed: settings.seed,
  step,
  epoch: batches.position(step).epoch,
  stepsPerEpoch: batches.stepsPerEpoch,
  totalSteps: settings.totalSteps,
});

test("another seed gives another run", async () => {
  const [a, b] = [await stateAfter(smallRun("mae"), 2), await stateAfter(smallRun("mae", { seed: 9 }), 2)];
  expect(a.tensors.get("blocks.0.attn.qkv.weight")).not.toEqual(b.tensors.get("blocks.0.attn.qkv.weight"));
});
