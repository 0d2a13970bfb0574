import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { capture } from "../../src/engine/capture/compile.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import type { Parameters as Network } from "../../src/engine/graph/parameters.ts";
import type { Preview } from "../../src/models/method.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { isRead, savedEncoder } from "../../src/train/checkpoint.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { methodOf, type RunSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { digestOf, openBytes, restore, type SavedState, savedBytes, stateOf } from "./savedFile.ts";

const on = withDevice();
let images: DeviceImages;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
});
afterAll(() => images.dispose());

const names = Object.keys(METHODS) as MethodName[];

/** A run of so many steps, and everything that it keeps after those asked for. */
async function runTo(settings: RunSettings, steps: number, ...asked: number[]) {
  const trainer = new Trainer(on.device, settings, images);
  await trainer.prepare();
  const states = new Map<number, SavedState>();
  while (trainer.step < steps) {
    trainer.run();
    if (asked.includes(trainer.step)) states.set(trainer.step, await stateOf(trainer));
  }
  return { trainer, states, last: await stateOf(trainer) };
}

describe.each(names)("%s", (name) => {
  let whole: Awaited<ReturnType<typeof runTo>>;
  beforeAll(async () => {
    whole = await runTo(smallRun(name), 7, 3, 6);
  });

  test("six captured steps have the bits of six uncaptured ones, with every schedule moving", async () => {
    const trainer = new Trainer(on.device, smallRun(name), images);
    await trainer.ready();
    for (let step = 0; step < 6; step++) {
      trainer.writeInputs();
      on.device.tidy(() => trainer.record());
      trainer.advance();
    }
    const uncaptured = await stateOf(trainer);
    expect(unequal(uncaptured, whole.states.get(6)!)).toEqual([]);
    expect(uncaptured.step).toBe(6);
  });

  test("a resumed run has the bits of one that never stopped, in all networks and moments", async () => {
    const resumed = new Trainer(on.device, smallRun(name), images);
    await restore(resumed, whole.states.get(3)!);
    await resumed.prepare();
    while (resumed.step < 7) resumed.run();
    const state = await stateOf(resumed);
    expect(unequal(state, whole.last)).toEqual([]);
    expect([state.step, whole.last.step]).toEqual([7, 7]);
    expect(unequal(whole.states.get(3)!, whole.last).length).toBeGreaterThan(20); // the bits that moved since
    expect([...state.tensors.values()].every(({ values }) => values.every(Number.isFinite))).toBe(true);
  });

  test("its checkpoint has the encoder that it trained", async () => {
    const { encoder, method } = whole.trainer;
    const checkpoint = await openBytes(await savedBytes(whole.trainer));
    const { params, config } = await savedEncoder(on.device, checkpoint);
    expect(config).toEqual(method.encoder.config);
    const bits = async (network: Network) =>
      [...(await network.read(network.values))].flatMap(([name, { values }]) =>
        isRead(method, name) ? [[name, digestOf(values)]] : [],
      );
    expect(await bits(params)).toEqual(await bits(encoder));
  });

  test("a step is one submit and creates nothing", () => {
    const before = { ...on.device.counters };
    whole.trainer.run();
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
    for (const [moving, { at }] of Object.entries(methodOf(smallRun(name)).moving)) {
      const trainer = new Trainer(on.device, smallRun(name), images);
      // The value of the first step for ever.
      Object.assign(trainer.method.moving[moving]!, {
        at: (moment: Parameters<typeof at>[0]) => at({ ...moment, step: 0, epoch: 0 }),
      });
      await trainer.prepare();
      while (trainer.step < 6) trainer.run();
      const isOther = unequal(await stateOf(trainer), whole.states.get(6)!).length > 0;
      const values = Array.from({ length: 6 }, (_, step) => `${at(momentAt(trainer, step))}`);
      expect([moving, isOther]).toEqual([moving, new Set(values).size > 1]);
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

test("a picture that an epoch has three times in a row is seen in three ways", async () => {
  const trainer = new Trainer(on.device, smallRun("supervised"), images);
  expect([...trainer.batches.copies({ epoch: 0, step: 1 })]).toEqual([1, 2, 0, 1]);
  const [first, second, third, other] = trainer.batches.indices({ epoch: 0, step: 0 });
  expect([second, third, other === first]).toEqual([first, first, false]);
  let seen = new Float32Array(0);
  Object.assign(trainer.method, {
    async prepare({ views }: Preview) {
      seen = (await views(0)[0]!.read()) as typeof seen;
      return new Map();
    },
  });
  await trainer.ready();
  const size = seen.length / 4;
  const shown = [0, 1, 2, 3].map((i) => seen.subarray(i * size, (i + 1) * size).join());
  expect(new Set(shown).size).toBe(4);
});

test("another seed gives another run", async () => {
  const [a, b] = [await runTo(smallRun("mae"), 2), await runTo(smallRun("mae", { seed: 9 }), 2)];
  expect(unequal(a.last, b.last)).toContain("blocks.0.attn.qkv.weight");
});
