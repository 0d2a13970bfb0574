import { describe, expect, test, vi } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { Device } from "../../../src/engine/gpu/device.ts";
import { kernel } from "../../../src/engine/gpu/kernel.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { square } from "../../../src/engine/ops/elementwise.ts";
import { testGpu } from "../../gpu.ts";

describe("a caller's own GPUDevice", () => {
  test("is used with its own limits and never destroyed", async () => {
    const adapter = await testGpu().requestAdapter();
    const gpu = await adapter!.requestDevice();
    const device = await Device.open(gpu);
    expect(device.gpu).toBe(gpu);
    expect(device.limits.maxStorageBufferBindingSize).toBe(2 ** 27);
    expect(await square(Tensor.from(device, [3], [1])).item()).toBe(9);
    device.destroy();
    const again = await Device.open(gpu);
    expect(await square(Tensor.from(again, [4], [1])).item()).toBe(16);
    gpu.destroy();
    expect((await gpu.lost).reason).toBe("destroyed");
  });

  test("may be silent about its adapter", async () => {
    const gpu = await (await testGpu().requestAdapter())!.requestDevice();
    Object.defineProperty(gpu, "adapterInfo", { value: undefined });
    const device = await Device.open(gpu);
    expect(device.info.description).toBe("");
    expect(device.capabilities.subgroupSize).toBe(0);
    expect(await square(Tensor.from(device, [3], [1])).item()).toBe(9);
    gpu.destroy();
  });

  test("one opened here is destroyed where its test fails, and a caller's is not", async () => {
    const real = testGpu();
    const opened: GPUDevice[] = [];
    /** Reads nothing but zeros back. */
    const spoiled = (gpu: GPUDevice): GPUDevice => {
      const create = gpu.createBuffer.bind(gpu);
      gpu.createBuffer = (descriptor) => {
        const buffer = create(descriptor);
        if (descriptor.label === "read") buffer.getMappedRange = () => new ArrayBuffer(descriptor.size);
        return buffer;
      };
      opened.push(gpu);
      return gpu;
    };
    const adapter = (await real.requestAdapter())!;
    const request = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => spoiled(await request(descriptor));
    const broken = { requestAdapter: async () => adapter } as unknown as GPU;
    await expect(Device.open(broken)).rejects.toThrow("Device.open: the adapter must compute");
    expect((await opened[0]!.lost).reason).toBe("destroyed");
    const own = spoiled(await (await real.requestAdapter())!.requestDevice());
    await expect(Device.open(own)).rejects.toThrow("Device.open: the adapter must compute");
    await own.queue.onSubmittedWorkDone(); // rejects on a device that is lost
    own.destroy();
  });

  test("one opened here is destroyed", async () => {
    const device = await Device.open(testGpu());
    device.destroy();
    expect((await device.gpu.lost).reason).toBe("destroyed");
  });

  /** A device of the caller's, and what reaches it as uncaptured. */
  async function hosted(action: (device: Device, uncaptured: string[]) => Promise<void>): Promise<void> {
    const gpu = await (await testGpu().requestAdapter())!.requestDevice();
    const uncaptured: string[] = [];
    gpu.addEventListener("uncapturederror", (event) => {
      uncaptured.push(event.error.message);
      event.preventDefault();
    });
    await action(await Device.open(gpu), uncaptured);
    gpu.destroy();
  }
  const badBuffer = (gpu: GPUDevice) => gpu.createBuffer({ label: "host", size: 16, usage: 0x1 | 0x80 }); // MAP_READ | STORAGE
  const wrong = kernel("wrong_here", [
    "@group(0) @binding(1) var<storage, read_write> y: array<f32>;",
    "@compute @workgroup_size(1) fn wrong_here() { y[0] = 1.0; }",
  ]);

  test("has its scopes to itself, whatever is open between two calls of ours", () =>
    hosted(async (device, uncaptured) => {
      const { gpu } = device;
      const push = vi.spyOn(gpu, "pushErrorScope");
      const pop = vi.spyOn(gpu, "popErrorScope");
      const open = () => push.mock.calls.length - pop.mock.calls.length;
      const x = Tensor.from(device, [3], [1]);
      expect(open()).toBe(0);
      gpu.pushErrorScope("validation");
      const y = square(x); // recorded, and not submitted yet
      expect(open()).toBe(1);
      badBuffer(gpu);
      const host = await gpu.popErrorScope();
      expect(host?.message).toContain("host");
      expect(await y.item()).toBe(9);

      const compiling = compile(device, () => square(x));
      expect(open()).toBe(0);
      const step = await compiling;
      expect(open()).toBe(0);
      step.run();
      const reading = step.outputs.read();
      expect(open()).toBe(0);
      badBuffer(gpu); // between a submit of ours and its answer
      expect(await reading).toEqual(Float32Array.of(9));
      await device.finish();
      await step.dispose();
      await device.allocator.trim();
      expect(open()).toBe(0);
      expect(uncaptured).toHaveLength(1);
    }));

  test("keeps its uncaptured errors, which do not end Partwise", () =>
    hosted(async (device, uncaptured) => {
      badBuffer(device.gpu);
      await device.gpu.queue.onSubmittedWorkDone();
      expect(uncaptured).toHaveLength(1);
      expect(await square(Tensor.from(device, [3], [1])).item()).toBe(9);
      await device.finish();
    }));

  test("does not see the errors that Partwise makes", () =>
    hosted(async (device, uncaptured) => {
      const y = Tensor.zeros(device, [64]);
      device.run(wrong, [y], 1);
      await expect(y.read()).rejects.toThrow(/^GPU: /);
      expect(uncaptured).toEqual([]);
    }));

  test("does not see those of a captured step either", () =>
    hosted(async (device, uncaptured) => {
      const attempt = async () => {
        const step = await compile(device, () => {
          const y = Tensor.zeros(device, [64]);
          device.run(wrong, [y], 1);
          return { y };
        });
        await step.run().y.read();
      };
      await expect(attempt()).rejects.toThrow();
      await device.gpu.queue.onSubmittedWorkDone();
      expect(uncaptured).toEqual([]);
    }));
});
