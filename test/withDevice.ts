import { afterAll, afterEach, beforeAll } from "vitest";
import { Device, type DeviceOptions } from "../src/engine/gpu/device.ts";
import { Tuning } from "../src/engine/gpu/tuning.ts";
import { testGpu, testOptions } from "./gpu.ts";

/** The devices of a test file by their options: every file loads this module anew. */
const devices = new Map<string, Promise<Device>>();

afterAll(async () => {
  for (const opened of await Promise.allSettled(devices.values())) {
    if (opened.status === "fulfilled") opened.value.destroy();
  }
});

/**
 * One device for a test file, whichever of its parts ask for it: what costs most is to compile a kernel, once for each device.
 * Every part begins with the kernels that ship. Each test ends by waiting for the GPU, and any GPU error fails it.
 */
export function withDevice(options: DeviceOptions = {}): { readonly device: Device } {
  let device: Device;
  beforeAll(async () => {
    const key = JSON.stringify(options);
    const opening = devices.get(key) ?? Device.open(testGpu(), { ...testOptions(), ...options });
    devices.set(key, opening);
    device = await opening;
    device.tuning = new Tuning();
  });
  afterEach(() => device.finish());
  return {
    get device() {
      return device;
    },
  };
}
