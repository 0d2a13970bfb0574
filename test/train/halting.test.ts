import { expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/data/safetensors.ts";
import { compile } from "../../src/engine/capture/compile.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard, NonFiniteLossError } from "../../src/engine/graph/guard.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { batchNorm } from "../../src/engine/ops/batchNorm.ts";
import { mul, square, sub } from "../../src/engine/ops/elementwise.ts";
import { linear } from "../../src/engine/ops/linear.ts";
import { mean } from "../../src/engine/ops/mean.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipGradients } from "../../src/engine/optim/clip.ts";
import { ema } from "../../src/engine/optim/ema.ts";
import { lars } from "../../src/engine/optim/lars.ts";
import { sgd } from "../../src/engine/optim/sgd.ts";
import { Random } from "../../src/engine/random.ts";
import { restoreTrainer } from "../../src/train/checkpoint.ts";
import { train } from "../../src/train/loop.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { openBytes, restore, savedBytes, stateOf } from "./savedFile.ts";
import { tinySettings, tinyTrainer } from "./tinyRun.ts";

const on = withDevice();
const normal = (shape: readonly number[], seed: number) =>
  new Random(seed, "test").fillNormal(new Float32Array(shape.reduce((size, n) => size * n, 1)));

/** One layer with everything that can move: moments, an average in the update and one behind it, statistics, a center. */
function everything(make: "adamw" | "sgd" | "lars") {
  const { device } = on;
  const [shape, running] = [[4, 6], { trained: false, shape: [6] }];
  const params = new Parameters(device, [
    { name: "weight", shape, values: normal(shape, 1) },
    { name: "bias", shape: [4], values: normal([4], 2) },
    { name: "mean", ...running, values: new Float32Array(6) },
    { name: "var", ...running, values: new Float32Array(6).fill(1) },
    { name: "center", shape: [4], trained: false, values: new Float32Array(4) },
  ]);
  const [teacher, average] = [params.zeros(), params.zeros()];
  const guard = new Guard(device);
  const optimizer =
    make === "adamw" ? adamw(params, { average }) : { sgd, lars }[make as "sgd" | "lars"](params);
  const [x, scale] = [Tensor.zeros(device, [8, 6]), Tensor.from(device, [1], [])];
  const numbers = Tensor.zeros(device, [4]);
  const momentum = Tensor.from(device, [0.9], []);
  let now = 0;
  return {
    params,
    guard,
    scale,
    record() {
      const [runningMean, runningVar] = [params.get("mean"), params.get("var")];
      const normed = batchNorm(x, { runningMean, runningVar, training: true, guard });
      const y = linear(normed, params.get("weight"), params.get("bias"));
      guard.later([y], (answers) => ema(params.get("center"), mean(answers, 0), momentum, guard));
      const loss = mul(mean(square(sub(y, params.get("center")))), scale);
      const { tensors, into } = params.trainable();
      grad(loss, tensors, { into });
      guard.check(loss);
      const { factors } = clipGradients(params, guard);
      optimizer.update(numbers, factors);
      ema(teacher, params.trained, momentum, guard);
      guard.settle();
      return { loss };
    },
    write(bad?: number) {
      x.write(normal([8, 6], 100 + now));
      scale.write([bad ?? 1]);
      const rates = { step: ++now, lr: 0.05, weightDecay: 0.1, averageMomentum: 0.8 };
      numbers.write(optimizer.numbers(rates));
    },
    async bits() {
      const state = [params.values, teacher, average, ...Object.values(optimizer.state)].flat();
      return Promise.all(state.map(async (tensor) => new Uint32Array((await tensor.read()).buffer)));
    },
  };
}

const ways = ["adamw", "sgd", "lars"] as const;
test.each(ways.flatMap((make) => [[make, "captured"] as const, [make, "uncaptured"] as const]))(
  "%s, %s: from the bad step on nothing moves, until it is restarted",
  async (make, how) => {
    const training = everything(make);
    const step = how === "captured" ? await compile(on.device, training.record) : null;
    const run = (bad?: number) => {
      training.write(bad);
      if (step) step.run();
      else on.device.tidy(training.record);
    };
    for (let i = 0; i < 3; i++) run();
    const before = await training.bits();
    run(Number.NaN);
    for (let i = 0; i < 3; i++) run();
    expect(await training.bits()).toEqual(before);
    expect(await training.guard.read()).toEqual({ halted: true, steps: 3 });

    training.guard.restart();
    run();
    const after = await training.bits();
    for (const [i, bits] of after.entries()) {
      if (make === "adamw" || i !== 2) expect(bits, String(i)).not.toEqual(before[i]); // 2: the average in the update
    }
    await step?.dispose();
  },
);

test("a loss that is not finite halts, too, whatever its gradients are", async () => {
  const guard = new Guard(on.device);
  for (const [loss, halted] of [
    [3e38, false],
    [Number.POSITIVE_INFINITY, true],
    [1, true],
  ] as const) {
    guard.check(Tensor.from(on.device, [loss], []));
    expect((await guard.read()).halted).toBe(halted);
  }
  guard.restart();
  guard.check(Tensor.from(on.device, [Number.NaN], []));
  expect((await guard.read()).halted).toBe(true);
});

const trainer = async () => {
  const made = await tinyTrainer(on.device, tinySettings({ totalSteps: 12, warmupSteps: 0 }));
  await made.prepare();
  return made;
};

test("a checkpoint saved after a halt holds the state before the bad step, and goes on to the whole run's bits", async () => {
  const whole = await trainer();
  while (whole.step < 3) whole.run();
  const before = await stateOf(whole);
  while (whole.step < 6) whole.run();
  const end = await stateOf(whole);

  const halted = await trainer();
  while (halted.step < 3) halted.run();
  const loss = halted.trained.get("decoder_pos_embed"); // never trained: a NaN in it stays until it is taken out
  const fixed = (await loss.read()) as Float32Array;
  loss.write(fixed.map((value, i) => (i === 0 ? Number.NaN : value)));
  halted.run();
  loss.write(fixed);
  while (halted.step < 8) halted.run();
  expect((await halted.ring.read(3, 4))[0]!.values.gradNorm).toBeNaN();
  const kept = await stateOf(halted);
  expect([unequal(kept, before), kept.step, before.step]).toEqual([[], 3, 3]);

  const checkpoint = await openBytes(await savedBytes(halted));
  const { info } = checkpoint;
  expect([info.step, info.order.step, info.random.step]).toEqual([3, 0, 3]);
  await restoreTrainer(halted, checkpoint);
  expect(halted.step).toBe(3);
  while (halted.step < 6) halted.run();
  const again = await stateOf(halted);
  expect([unequal(again, end), again.step, end.step]).toEqual([[], 6, 6]);
});

test("the loop names the first bad step, however many follow before it looks", async () => {
  const made = await trainer();
  while (made.step < 2) made.run();
  const before = await stateOf(made);
  made.trained
    .get("decoder_pos_embed")
    .write(before.tensors.get("decoder_pos_embed")!.values.map(() => Number.NaN));
  let clock = 0;
  const running = train(made, { now: () => clock++, onProgress: () => undefined });
  await expect(running).rejects.toThrow(NonFiniteLossError);
  await expect(running).rejects.toThrow(/^step 2: loss and gradients must be finite; got loss NaN/);
  expect(made.step).toBeGreaterThan(2);
  const after = await stateOf(made);
  expect(after.step).toBe(2);
  expect(unequal(after, before)).toEqual(["decoder_pos_embed"]);
});

test("what is not whole is refused before anything changes", async () => {
  const made = await trainer();
  made.run();
  const before = await stateOf(made);
  const { tensors, metadata } = readSafetensors(before.bytes);
  const spoiled = new Map(
    [...tensors].map(([name, { shape, data }]) => {
      return [
        name,
        { dtype: "F32", shape, data: (data as Float32Array<ArrayBuffer>).map((value) => value + 1) },
      ] as const;
    }),
  );
  spoiled.delete("optimizer.exp_avg_sq.cls_token");
  await expect(restore(made, { bytes: writeSafetensors(spoiled, metadata) })).rejects.toThrow(
    "checkpoint: optimizer.exp_avg_sq.cls_token must have shape [1,1,8]; got nothing. Was it another model?",
  );
  expect(unequal(await stateOf(made), before)).toEqual([]);
  expect(made.step).toBe(1);
});
