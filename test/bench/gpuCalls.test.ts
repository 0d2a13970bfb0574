import { expect, test } from "vitest";
import { callsDuring, watchGpuCalls } from "../../bench/measure/gpuCalls.ts";

class Buffer {
  destroyed = 0;
  destroy() {
    this.destroyed++;
  }
}

class Device {
  createBuffer({ size }: { size: number }) {
    return Object.assign(new Buffer(), { size });
  }
  createBindGroup() {
    return {};
  }
  createComputePipeline() {
    return {};
  }
  createComputePipelineAsync() {
    return Promise.resolve({});
  }
}

class Queue {
  submitted: unknown[] = [];
  submit(list: unknown[]) {
    this.submitted.push(...list);
  }
}

class Pass {
  dispatchWorkgroups(x: number) {
    return x;
  }
  dispatchWorkgroupsIndirect() {}
}

test("calls are counted and still made, memory is followed", async () => {
  const calls = watchGpuCalls({
    GPUQueue: Queue,
    GPUDevice: Device,
    GPUBuffer: Buffer,
    GPUComputePassEncoder: Pass,
  });
  const [device, queue, pass] = [new Device(), new Queue(), new Pass()];
  const counts = await callsDuring(calls, async () => {
    const [a, b] = [device.createBuffer({ size: 100 }), device.createBuffer({ size: 50 })];
    a.destroy();
    a.destroy(); // again: allowed by WebGPU, and no memory comes back twice
    device.createBuffer({ size: 20 });
    expect([a.destroyed, b.destroyed]).toEqual([2, 0]);
    device.createBindGroup();
    device.createComputePipeline();
    await device.createComputePipelineAsync();
    expect(pass.dispatchWorkgroups(3)).toBe(3);
    pass.dispatchWorkgroupsIndirect();
    queue.submit(["commands"]);
  });
  expect(queue.submitted).toEqual(["commands"]);
  expect(counts).toEqual({ submits: 1, dispatches: 2, buffers: 3, bindGroups: 1, pipelines: 2 });
  expect(calls.bytesHeld).toBe(70);
  expect(calls.bytesPeak).toBe(150);
});

test("a runtime without a method is refused", () => {
  const empty = class {};
  const classes = { GPUQueue: empty, GPUDevice: empty, GPUBuffer: empty, GPUComputePassEncoder: empty };
  expect(() => watchGpuCalls(classes)).toThrow("dispatchWorkgroups must be a method");
});
