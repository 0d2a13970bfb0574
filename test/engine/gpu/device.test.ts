import { afterAll, describe, expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { Device } from "../../../src/engine/gpu/device.ts";
import { DeviceLostError, GpuError, OutOfMemoryError } from "../../../src/engine/gpu/failure.ts";
import { kernel } from "../../../src/engine/gpu/kernel.ts";
import { fill } from "../../../src/engine/graph/fill.ts";
import { Guard } from "../../../src/engine/graph/guard.ts";
import { Parameters } from "../../../src/engine/graph/parameters.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { add, square } from "../../../src/engine/ops/elementwise.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { clipGradients } from "../../../src/engine/optim/clip.ts";
import { testGpu } from "../../gpu.ts";
import { withDevice } from "../../withDevice.ts";

/** A device for one test that may break it. */
async function withOwnDevice(action: (device: Device) => Promise<void>): Promise<void> {
  const device = await Device.open(testGpu());
  try {
    await action(device);
  } finally {
    device.destroy();
  }
}

/** y[i] = x[i] in some wrong way. */
const wrong = {
  syntax: kernel("wrong_syntax", ["@compute @workgroup_size(1) fn wrong_syntax() { let x = ; }"]),
  binding: kernel("wrong_binding", [
    "@group(0) @binding(1) var<storage, read_write> y: array<f32>;",
    "@compute @workgroup_size(1) fn wrong_binding() { y[0] = 1.0; }",
  ]),
  lanes: kernel("wrong_lanes", [
    "@group(0) @binding(0) var<storage, read_write> y: array<f32>;",
    "@compute @workgroup_size(70000) fn wrong_lanes() { y[0] = 1.0; }",
  ]),
};

test("memory that the GPU does not have is an error of its own, and the end of the device", () =>
  withOwnDevice(async (device) => {
    const { gpu } = device;
    const pop = gpu.popErrorScope.bind(gpu);
    let asked = 0;
    // The first scope to close is the one around the memory.
    gpu.popErrorScope = async () => {
      const found = await pop();
      return asked++ === 0 ? { message: "no room" } : found;
    };
    Tensor.zeros(device, [1024]);
    const failure = await device.finish().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OutOfMemoryError);
    expect(failure).toBeInstanceOf(GpuError);
    expect(failure).toMatchObject({ bytes: 4096, label: "tensor" });
    expect(() => device.check()).toThrow(
      "allocate: the GPU must have room for a tensor buffer of 4096 bytes; it has none (no room). Open the device again",
    );
  }));

describe("a GPU error", () => {
  for (const [name, chosen] of Object.entries(wrong)) {
    test(`in a kernel (${name}) comes out of finish, and of everything after`, () =>
      withOwnDevice(async (device) => {
        const y = Tensor.zeros(device, [64]);
        device.run(chosen, [y], 1);
        await expect(device.finish()).rejects.toThrow(/^GPU: /);
        await expect(y.read()).rejects.toThrow(/^GPU: /);
        expect(() => device.run(chosen, [y], 1)).toThrow(/^GPU: /);
      }));

    test(`in a kernel (${name}) comes out of read`, () =>
      withOwnDevice(async (device) => {
        const y = Tensor.zeros(device, [64]);
        device.run(chosen, [y], 1);
        await expect(y.read()).rejects.toThrow(/^GPU: /);
      }));

    test(`in a captured kernel (${name}) comes out of compile or of its first run`, () =>
      withOwnDevice(async (device) => {
        const attempt = async () => {
          const step = await compile(device, () => {
            const y = Tensor.zeros(device, [64]);
            device.run(chosen, [y], 1);
            return { y };
          });
          await step.run().y.read();
        };
        await expect(attempt()).rejects.toThrow();
      }));
  }

  test("in a binding comes out of read", () =>
    withOwnDevice(async (device) => {
      const y = Tensor.zeros(device, [64]);
      const same = kernel("same_buffer", [
        "@group(0) @binding(0) var<storage, read> x: array<f32>;",
        "@group(0) @binding(1) var<storage, read_write> y: array<f32>;",
        "@compute @workgroup_size(1) fn same_buffer() { y[0] = x[0]; }",
      ]);
      device.run(same, [y, y], 1);
      await expect(y.read()).rejects.toThrow(/^GPU: /);
    }));
});

describe("a device that is lost", () => {
  const ready = async (device: Device) => {
    const x = Tensor.from(device, [1, 2], [2]);
    const step = await compile(device, () => ({ y: square(x) }));
    step.run();
    await device.finish();
    return { x, step };
  };

  test("gives DeviceLostError from read, finish and run", () =>
    withOwnDevice(async (device) => {
      const { x, step } = await ready(device);
      device.destroy();
      await device.gpu.lost;
      await expect(x.read()).rejects.toThrow(DeviceLostError);
      await expect(device.finish()).rejects.toThrow(DeviceLostError);
      expect(() => step.run()).toThrow(DeviceLostError);
      expect(() => square(x)).toThrow(DeviceLostError);
    }));

  test("gives it from a read that follows at once", () =>
    withOwnDevice(async (device) => {
      const { x } = await ready(device);
      device.destroy();
      await expect(x.read()).rejects.toThrow(DeviceLostError);
    }));

  test("gives it from a read under way", () =>
    withOwnDevice(async (device) => {
      const { x } = await ready(device);
      const reading = x.read();
      device.destroy();
      await expect(reading).rejects.toThrow(DeviceLostError);
    }));

  test("gives it from work that is still being submitted", () =>
    withOwnDevice(async (device) => {
      const { x, step } = await ready(device);
      step.run();
      square(x);
      device.destroy();
      await expect(device.finish()).rejects.toThrow(DeviceLostError);
    }));
});

describe("limits", () => {
  const on = withDevice();

  test("a binding beyond the adapter's limit is refused before the work", async () => {
    const gpu = await (await testGpu().requestAdapter())!.requestDevice();
    const device = await Device.open(gpu);
    const limit = device.limits.maxStorageBufferBindingSize;
    const large = Tensor.empty(device, [limit / 4 + 1]);
    expect(() => square(large)).toThrow(
      `elementwise_square: this adapter binds at most ${limit} bytes at once; got a tensor of ${limit + 4}. Use a smaller batch`,
    );
    await device.finish();
    gpu.destroy();
  });

  test("a buffer beyond the adapter's limit is refused before the work", () => {
    const limit = on.device.limits.maxBufferSize;
    expect(() => Tensor.empty(on.device, [64, 2 ** 30])).toThrow(
      `allocate: a buffer may hold ${limit} bytes on this adapter; got ${2 ** 38}. Use a smaller batch`,
    );
  });

  test("more workgroups than a dimension has are refused", () => {
    const y = Tensor.zeros(on.device, [64]);
    const most = on.device.limits.maxComputeWorkgroupsPerDimension;
    const any = kernel("any", ["@compute @workgroup_size(1) fn any() {}"]);
    expect(() => on.device.run(any, [y], [1, most + 1, 1])).toThrow(
      `any: this adapter runs ${most} workgroups per dimension; got [1, ${most + 1}, 1]`,
    );
  });

  test("a flat grid of more than 65535 workgroups reaches every value", async () => {
    const size = 64 * 65_535 + 65;
    const values = await fill(on.device, [size], 3).read();
    expect(values.every((value) => value === 3)).toBe(true);
  });
});

describe("Tensor", () => {
  const on = withDevice();

  test("write replaces the values after the work before it", async () => {
    const x = Tensor.from(on.device, [1, 2], [2]);
    const before = square(x);
    x.write([3, 4]);
    const after = square(x);
    expect([...(await before.read())]).toEqual([1, 4]);
    expect([...(await after.read())]).toEqual([9, 16]);
  });

  test("write refuses another number of values", () => {
    const x = Tensor.zeros(on.device, [2, 3]);
    expect(() => x.write([1, 2])).toThrow("Tensor.write: shape [2,3] holds 6 values; got 2");
    expect(() => Tensor.from(on.device, [1, 2], [3])).toThrow("shape [3] holds 3 values; got 2");
  });

  test("write takes memory shared between threads", async () => {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(buffer).not.toBeInstanceOf(ArrayBuffer);
    const shared = new Float32Array(buffer, 8, 3);
    shared.set([1.5, -2, 3]);
    const x = Tensor.from(on.device, shared, [3]);
    expect([...(await x.read())]).toEqual([1.5, -2, 3]);
  });

  test("write takes part of a larger array", async () => {
    const all = Int32Array.from([9, -1, 2, 9]);
    const x = Tensor.from(on.device, all.subarray(1, 3), [2], "i32");
    expect(await x.read()).toEqual(Int32Array.from([-1, 2]));
  });

  test("values keep their dtype; others are converted", async () => {
    const u32 = Tensor.from(on.device, [1, 4_000_000_000], [2], "u32");
    expect(await u32.read()).toEqual(Uint32Array.from([1, 4_000_000_000]));
    expect(await Tensor.from(on.device, Int32Array.from([-3]), [1]).read()).toEqual(Float32Array.from([-3]));
  });

  test("empty, zeros and item check their shapes", async () => {
    expect(() => Tensor.empty(on.device, [2, 0])).toThrow("Tensor.empty: every axis needs a positive whole");
    expect([...(await Tensor.zeros(on.device, [3]).read())]).toEqual([0, 0, 0]);
    await expect(Tensor.zeros(on.device, [3]).item()).rejects.toThrow(
      "needs exactly one value; got shape [3]",
    );
  });
});

describe("tidy", () => {
  const on = withDevice();
  const ones = () => fill(on.device, [1000], 1);

  test("gives back what was made inside, but not what is returned", async () => {
    const held = () => on.device.counters.bytesHeld;
    const work = () => on.device.tidy(() => ({ y: sum(square(add(ones(), ones()))), list: [ones()] }));
    await on.device.allocator.trim();
    const start = held();
    const { y, list } = work();
    expect(await y.item()).toBe(4000);
    expect(await sum(list[0]!).item()).toBe(1000);
    const once = held();
    for (let i = 0; i < 5; i++) {
      const again = work();
      again.y.dispose();
      again.list[0]!.dispose();
    }
    expect(held() - once).toBeLessThanOrEqual(2 * 4096); // no more than what `y` and `list` keep
    y.dispose();
    list[0]!.dispose();
    await on.device.finish();
    await on.device.allocator.trim();
    expect(held() - start).toBeLessThanOrEqual(1024); // the two sums outside
  });

  test("gives it back when the action throws", async () => {
    const made: Tensor[] = [];
    const failing = () => {
      made.push(ones());
      throw new Error("stop");
    };
    expect(() => on.device.tidy(failing)).toThrow("stop");
    expect(made[0]!.storage.buffer).toBeNull();
  });

  test("nests: the inner result belongs to the outer scope", async () => {
    let inner: Tensor | undefined;
    const y = on.device.tidy(() => {
      inner = on.device.tidy(() => square(ones()));
      return sum(inner);
    });
    expect(await y.item()).toBe(1000);
    expect(inner!.storage.buffer).toBeNull();
    await expect(inner!.read()).rejects.toThrow("Tensor.read");
  });

  test("refuses results that it cannot look into, and gives everything back", async () => {
    const rule = "tidy: the function must return tensors, or arrays and plain records of them; got";
    const made: Tensor[] = [];
    const make = () => {
      made.push(ones());
      return made.at(-1)!;
    };
    const { device } = on;
    expect(() => device.tidy(() => new Map([["y", make()]]))).toThrow(`${rule} an instance of Map`);
    expect(() => device.tidy(() => new Set([make()]))).toThrow(`${rule} an instance of Set`);
    expect(() => device.tidy(async () => make())).toThrow(`${rule} a promise. Wait for it outside`);
    expect(() => device.tidy(() => [() => make()])).toThrow(`${rule} a function`);
    expect(made.filter(({ storage }) => storage.buffer !== null)).toEqual([]);
    const captured = compile(device, () => device.tidy(async () => make()) as never);
    await expect(captured).rejects.toThrow("tidy: the function must return tensors");
  });

  test("takes records that refer to themselves, and what is no tensor", async () => {
    interface Ring {
      y: Tensor;
      self?: Ring;
      rest: unknown[];
    }
    const ring = on.device.tidy(() => {
      const made: Ring = { y: square(ones()), rest: [1, "two", null, undefined, new Float32Array(2)] };
      made.self = made;
      return made;
    });
    expect(ring.self).toBe(ring);
    expect((await ring.y.read())[999]).toBe(1);
  });

  test("leaves alone what outlives it, such as a model's segment table", async () => {
    const specs = [{ name: "w", shape: [3], values: Float32Array.from([1, 2, 3]) }];
    const params = new Parameters(on.device, specs);
    params.gradients![0]!.write(new Float32Array(64).fill(2, 0, 3));
    const guard = new Guard(on.device);
    const norm = () => on.device.tidy(() => clipGradients(params, guard).norm);
    expect(await norm().item()).toBeCloseTo(Math.sqrt(12), 5);
    expect(await norm().item()).toBeCloseTo(Math.sqrt(12), 5);
  });
});

describe("options", () => {
  const opened: Device[] = [];
  afterAll(() => {
    for (const device of opened) device.destroy();
  });

  test("portable hides the subgroups", async () => {
    const device = await Device.open(testGpu(), { portable: true });
    opened.push(device);
    expect(device.capabilities.subgroupSize).toBe(0);
  });

  test("timestamps are asked for only when wanted", async () => {
    const plain = await Device.open(testGpu());
    const timed = await Device.open(testGpu(), { timestamps: true });
    opened.push(plain, timed);
    const adapter = await testGpu().requestAdapter();
    expect(plain.capabilities.timestamps).toBe(false);
    expect(timed.capabilities.timestamps).toBe(adapter!.features.has("timestamp-query"));
  });
});
