import { afterAll, afterEach, beforeAll } from "vitest";
import { Device, type DeviceOptions } from "../src/engine/gpu/device.ts";
import { testGpu, testOptions } from "./gpu.ts";

/** One device for a test file; each test ends by waiting for the GPU, and any GPU error fails it. */
export function withDevice(options: DeviceOptions = {}): { readonly device: Device } {
  let device: Device;
  beforeAll(async () => {
    device = await Device.open(testGpu(), { ...testOptions(), ...options });
  });
  afterEach(() => device.finish());
  afterAll(() => device.destroy());
  return {
    get device() {
      return device;
    },
  };
}
