import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import type { Device } from "../../../src/engine/gpu/device.ts";
import { fill } from "../../../src/engine/graph/fill.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { add, mul, scale, square } from "../../../src/engine/ops/elementwise.ts";
import { reshape } from "../../../src/engine/ops/reshape.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { inNodeAlone } from "../../inNodeAlone.ts";
import { withDevice } from "../../withDevice.ts";
import { maskedAutoencoder, SCHEDULES, STEPS, supervised, type TinyTraining } from "../tinyTraining.ts";

const on = withDevice();

/** Bit patterns, which tell 0 from -0 and compare NaN. */
const bitsOf = async (tensor: Tensor): Promise<Uint32Array> => new Uint32Array((await tensor.read()).buffer);

/** Losses and norms of every step, and the state at the end, as bits. */
async function outcome(
  training: TinyTraining,
  advance: () => { loss: Tensor; norm: Tensor },
  schedules = SCHEDULES,
) {
  const found: Record<string, Uint32Array> = {};
  for (let step = 0; step < STEPS; step++) {
    training.write(step, schedules);
    const { loss, norm } = advance();
    found[`loss ${step}`] = await bitsOf(loss);
    found[`norm ${step}`] = await bitsOf(norm);
  }
  for (const [name, tensor] of Object.entries(training.state)) found[name] = await bitsOf(tensor);
  return found;
}

const captured = async (training: TinyTraining, device: Device, schedules = SCHEDULES) => {
  const step = await compile(device, () => training.step());
  const found = await outcome(training, () => step.run(), schedules);
  await step.dispose();
  return found;
};

const numbers = (bits: Uint32Array) => new Float32Array(bits.buffer);

const kinds = { "a supervised ViT": supervised, "a masked autoencoder": maskedAutoencoder };

describe("a masked autoencoder, captured", () => expectCaptured("a masked autoencoder"));
// One step tells whether a browser captures. That captured steps of every method have the bits of Node's there, too, is held in
// test/web/parity.test.ts.
inNodeAlone(() => describe("a supervised ViT, captured", () => expectCaptured("a supervised ViT")));

function expectCaptured(kind: keyof typeof kinds): void {
  const make = kinds[kind];
  let moved: Awaited<ReturnType<typeof captured>>;
  beforeAll(async () => {
    moved = await captured(make(on.device), on.device);
  });

  test("gives the bits of the uncaptured step, with every schedule moving", async () => {
    const training = make(on.device);
    const expected = await outcome(training, () => on.device.tidy(() => training.step()));
    expect(Object.keys(moved)).toEqual(Object.keys(expected));
    for (const [name, bits] of Object.entries(moved)) expect(bits, name).toEqual(expected[name]);

    const start = await make(on.device).params.values[0]!.read();
    expect(numbers(moved.parameters!)).not.toEqual(start);
    expect(moved.teacher).not.toEqual(moved.parameters);
    expect(Object.values(moved).every((bits) => numbers(bits).every(Number.isFinite))).toBe(true);
    const norms = Array.from({ length: STEPS }, (_, step) => numbers(moved[`norm ${step}`]!)[0]!);
    expect(Math.max(...norms), "clipping must bind").toBeGreaterThan(0.5);
  });

  const moving = Object.keys(SCHEDULES).filter((name) => kind.includes("ViT") || name !== "temperature");
  test.each(moving)("is changed by its %s alone", async (name) => {
    const still = { ...SCHEDULES, [name]: () => SCHEDULES[name as keyof typeof SCHEDULES](2) };
    expect(await captured(make(on.device), on.device, still)).not.toEqual(moved);
  });

  test("asks for one submit a step and for nothing else", async () => {
    const training = make(on.device);
    const step = await compile(on.device, () => training.step());
    training.write(0);
    step.run();
    await on.device.finish();
    for (let now = 1; now < 5; now++) {
      const before = { ...on.device.counters };
      training.write(now);
      step.run();
      expect(on.device.counters).toEqual({
        ...before,
        submits: before.submits + 1,
        dispatches: before.dispatches + step.dispatches,
      });
    }
    await step.dispose();
  });

  test("needs hardly more memory than is alive at once", async () => {
    const training = make(on.device);
    const held = on.device.counters.bytesHeld;
    const step = await compile(on.device, () => training.step());
    const { bytes, lowerBound, slots } = step.memory;
    expect(bytes).toBeGreaterThanOrEqual(lowerBound);
    expect(bytes / lowerBound).toBeLessThan(1.1); // 1.02 and 1.04 measured
    const alone = slots
      .flatMap(({ tenants }) => tenants)
      .reduce((all, { storage }) => all + storage.bytes, 0);
    expect(bytes).toBeLessThan(alone / 2);
    for (const { tenants } of slots) {
      const inTurn = [...tenants].sort((a, b) => a.first - b.first);
      for (const [i, next] of inTurn.slice(1).entries()) {
        expect(next.first).toBeGreaterThan(inTurn[i]!.last);
      }
    }
    await step.dispose();
    expect(on.device.counters.bytesHeld - held).toBeLessThanOrEqual(65_536); // a block of uniforms may stay
  });
}

describe("the outputs of a captured step", () => {
  test("keep their values however much work follows", async () => {
    const x = Tensor.from(on.device, [1, 2, 3, 4], [2, 2]);
    const step = await compile(on.device, () => {
      const early = square(x);
      const flat = reshape(scale(early, 2), [4]);
      let y = early;
      for (let i = 0; i < 20; i++) y = add(scale(y, 0.5), fill(on.device, [2, 2], i));
      return { early, flat, loss: sum(y), x };
    });
    for (const factor of [1, 3]) {
      x.write([1, 2, 3, 4].map((value) => value * factor));
      const { early, flat, loss, x: same } = step.run();
      expect([...(await early.read())]).toEqual([1, 4, 9, 16].map((value) => value * factor ** 2));
      expect([...(await flat.read())]).toEqual([2, 8, 18, 32].map((value) => value * factor ** 2));
      expect(await loss.item()).toBeCloseTo(4 * 36, 2);
      expect(same).toBe(x);
    }
    await step.dispose();
  });

  test("are the same tensors after every run", async () => {
    const x = Tensor.from(on.device, [2], [1]);
    const step = await compile(on.device, () => ({ y: square(x) }));
    const first = step.run().y;
    x.write([5]);
    expect(step.run().y).toBe(first);
    expect(await first.item()).toBe(25);
    await step.dispose();
  });
});

describe("compile", () => {
  test("computes nothing while it captures", async () => {
    const x = Tensor.from(on.device, [2], [1]);
    const before = on.device.counters.dispatches;
    const step = await compile(on.device, () => ({ y: mul(x, x) }));
    expect(on.device.counters.dispatches).toBe(before);
    expect(step.dispatches).toBe(1);
    await step.dispose();
  });

  test("captures one step at a time", async () => {
    const x = Tensor.from(on.device, [2], [1]);
    let inner: Promise<unknown> = Promise.resolve();
    const outer = await compile(on.device, () => {
      inner = compile(on.device, () => ({ y: square(x) }));
      inner.catch(() => undefined);
      return { y: square(x) };
    });
    await expect(inner).rejects.toThrow("compile: a step is being captured already");
    expect(await outer.run().y.item()).toBe(4);
    await outer.dispose();
  });

  test("a step function that throws leaves the device as it was", async () => {
    const failing = compile(on.device, () => {
      throw new Error("stop");
    });
    await expect(failing).rejects.toThrow("stop");
    expect(await square(Tensor.from(on.device, [3], [1])).item()).toBe(9);
  });

  test("tensors inside it cannot be used outside while it is not ready", async () => {
    const x = Tensor.from(on.device, [2], [1]);
    let inside: Tensor | undefined;
    const compiling = compile(on.device, () => {
      inside = square(x);
      return { y: sum(inside) };
    });
    expect(() => inside!.write([1])).toThrow("this tensor exists only inside a compiled step");
    expect(() => square(inside!)).toThrow("this tensor exists only inside a compiled step");
    await expect(inside!.read()).rejects.toThrow("this tensor exists only inside a compiled step");
    const step = await compiling;
    expect(await step.run().y.item()).toBe(4);
    await step.dispose();
  });
});
