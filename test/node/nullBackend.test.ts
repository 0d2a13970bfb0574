import { expect, test } from "vitest";
import { create } from "webgpu";
import { Device } from "../../src/engine/gpu/device.ts";

test("Dawn's null backend, which computes nothing, is refused", async () => {
  await expect(Device.open(create(["backend=null"]))).rejects.toThrow(
    "Device.open: the adapter must compute",
  );
});

test("no adapter at all is said in one sentence", async () => {
  const none = { requestAdapter: async () => null } as unknown as GPU;
  await expect(Device.open(none)).rejects.toThrow("Device.open: no WebGPU adapter found");
});
