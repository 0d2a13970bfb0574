import { describe, expect, test } from "vitest";
import { type AttentionShape, classOf, type GemmShape, Tuning } from "../../src/engine/gpu/tuning.ts";
import { attentionMethods, shippedAttention } from "../../src/engine/ops/attentionMethods.ts";
import { chooseMethod, isSoftwareAdapter, shippedMethod } from "../../src/engine/ops/gemmChoice.ts";
import { gemmMethods } from "../../src/engine/ops/gemmMethods.ts";
import { tuneKernels } from "../../src/engine/ops/tune.ts";
import { inNodeAlone } from "../inNodeAlone.ts";
import { withDevice } from "../withDevice.ts";

const SHAPE: GemmShape = { m: 64, n: 64, k: 32, batch: 1, transposeA: false, transposeB: true };
const product = (shape: Partial<GemmShape> = {}) =>
  ({ op: "matmul", shape: { ...SHAPE, ...shape } }) as const;

// In Chromium test/web/tune.test.ts tunes a whole run.
inNodeAlone(() => {
  describe("tuneKernels", () => {
    const context = withDevice();

    test("measures what was asked for and makes the fastest the choice", async () => {
      const { device } = context;
      device.tuning.choose(product());
      let time = 0;
      const tuned = await tuneKernels(device, { now: () => (time += 1), rounds: 3 });
      const found = tuned.find(({ name }) => name === classOf(product()))!;
      const names = gemmMethods(device.capabilities).map(({ name }) => name);
      expect([...found.times.map(({ method }) => method), ...found.skipped].sort()).toEqual(
        [...names].sort(),
      );
      expect(found.best).toBe(found.times[0]!.method);
      expect(found.shipped).toBe(shippedMethod(device, SHAPE));
      expect(device.tuning.choose(product())).toBe(found.best);
    });

    test("begins with the largest shape, for which no method is skipped", async () => {
      const { device } = context;
      device.tuning = new Tuning();
      for (const m of [8, 64, 16]) device.tuning.choose(product({ m, n: 16, k: 16 }));
      const tuned = await tuneKernels(device, { now: () => performance.now(), rounds: 1 });
      expect(tuned.map(({ shape }) => (shape as GemmShape).m)).toEqual([64, 16, 8]);
      const names = gemmMethods(device.capabilities).map(({ name }) => name);
      const forGpus = isSoftwareAdapter(device) ? names.filter((name) => /^(tile|workgroup)/.test(name)) : [];
      expect(tuned[0]!.skipped).toEqual(forGpus);
      expect(tuned[0]!.times).toHaveLength(names.length - forGpus.length);
    });

    test("skips a method whose whole tiles take too long at the best rate seen", async () => {
      const { device } = context;
      device.tuning = new Tuning();
      device.tuning.choose(product({ m: 64, n: 64, k: 64 }));
      device.tuning.choose(product({ m: 1, n: 1, k: 8192 }));
      let time = 0; // a single run takes 1 ms, whatever it does
      const tuned = await tuneKernels(device, { now: () => (time += 1), rounds: 1 });
      const wide = gemmMethods(device.capabilities).filter(({ tile }) => tile.rows * tile.columns > 128);
      expect(wide).not.toHaveLength(0);
      expect(tuned[1]!.skipped).toEqual(expect.arrayContaining(wide.map(({ name }) => name)));
      expect(tuned[1]!.times.map(({ method }) => method)).toContain("register");
    });

    test("measures both passes of an attention, after the products", async () => {
      const { device } = context;
      device.tuning = new Tuning();
      const shape: AttentionShape = { batch: 2, queries: 37, keys: 37, heads: 2, headSize: 8 };
      device.tuning.choose({ op: "attention forward", shape });
      device.tuning.choose({ op: "attention backward", shape });
      device.tuning.choose(product({ m: 4, n: 4, k: 4 }));
      const [first, ...passes] = await tuneKernels(device, { now: () => performance.now(), rounds: 1 });
      expect(first!.name).toBe("matmul nt m4 n4 k4 batch1");
      expect(passes.map(({ name }) => name)).toEqual([
        "attention forward q32 k32 d8 batch4",
        "attention backward q32 k32 d8 batch4",
      ]);
      for (const [i, pass] of (["forward", "backward"] as const).entries()) {
        const { times, skipped, best, shipped, name } = passes[i]!;
        const names = attentionMethods(device, pass, shape).map((method) => method.name);
        expect([...times.map(({ method }) => method), ...skipped].sort()).toEqual(names.sort());
        expect(skipped.filter((method) => method !== "staged" && method !== "tiles")).toEqual([]);
        expect(shipped).toBe(shippedAttention(device, pass));
        expect(device.tuning.choices.get(name)).toBe(best);
      }
    });
  });
});

describe("classes of shapes", () => {
  const context = withDevice();

  test("a name that no method has leaves the shape to the method that ships", () => {
    const { device } = context;
    const shape = { ...SHAPE, m: 96, n: 96, k: 96 };
    device.tuning.choices = new Map([[classOf({ op: "matmul", shape }), "workgroup32"]]);
    expect(chooseMethod(device, shape).name).toBe("workgroup32");
    device.tuning.choices = new Map([[classOf({ op: "matmul", shape }), "of another version"]]);
    expect(chooseMethod(device, shape).name).toBe(shippedMethod(device, shape));
  });

  test("hold products whose sizes lie between the same powers of two", () => {
    expect(classOf(product())).toBe("matmul nt m64 n64 k32 batch1");
    expect(classOf(product({ m: 124 }))).toBe(classOf(product()));
    expect(classOf(product({ m: 126 }))).toBe("matmul nt m64r n64 k32 batch1");
    const tuning = new Tuning();
    tuning.choose(product());
    tuning.choose(product({ m: 124 }));
    expect([...tuning.asked.values()]).toEqual([product()]);
  });

  test("hold attentions with heads of one width, and pictures times heads alike", () => {
    const shape: AttentionShape = { batch: 64, queries: 197, keys: 50, heads: 6, headSize: 64 };
    const name = classOf({ op: "attention forward", shape });
    expect(name).toBe("attention forward q128 k32 d64 batch256");
    expect(classOf({ op: "attention forward", shape: { ...shape, batch: 48, queries: 129 } })).toBe(name);
    expect(classOf({ op: "attention forward", shape: { ...shape, headSize: 32 } })).not.toBe(name);
    expect(classOf({ op: "attention backward", shape })).not.toBe(name);
  });
});
