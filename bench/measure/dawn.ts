// The GPU of a bench program: Dawn under Node, its calls counted.
import { create, globals } from "webgpu";
import { Device, type DeviceOptions } from "../../src/engine/gpu/device.ts";
import { wait } from "../../src/node/wait.ts";
import { type GpuCalls, type GpuClasses, watchGpuCalls } from "./gpuCalls.ts";

/** Kept for the life of the process: Dawn ends when its GPU object is collected, and devices with it. */
let gpu: GPU | undefined;
let watched: GpuCalls | undefined;

/** The one GPU object of the process. */
export function benchGpu(): GPU {
  gpu ??= create([]);
  return gpu;
}

/** Every call to WebGPU from the first use of this function on, by whichever library. */
export function gpuCalls(): GpuCalls {
  watched ??= watchGpuCalls(globals as unknown as GpuClasses);
  return watched;
}

let waiting: DeviceOptions = { wait };

/** From now on Partwise waits as its peers do, while Dawn polls on a core of its own. */
export function waitBusily(): void {
  waiting = {};
}

/** Opens a device of Partwise, its calls counted too. */
export function openDevice(options: DeviceOptions = {}): Promise<Device> {
  gpuCalls();
  return Device.open(benchGpu(), { ...waiting, ...options });
}

/** Adapter name and features, without a device. */
export async function adapterInfo(): Promise<GPUAdapterInfo> {
  const adapter = await benchGpu().requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("bench: a WebGPU adapter is needed; found none. Run `npm start` for setup");
  return adapter.info;
}

/** Gives libraries written for browsers what they look for: WebGPU's classes and `navigator.gpu`. */
export function actAsBrowser(): void {
  gpuCalls();
  Object.assign(globalThis, globals);
  const navigator = { gpu: benchGpu(), userAgent: "Node.js", hardwareConcurrency: 2, language: "en" };
  Object.defineProperty(globalThis, "navigator", { configurable: true, writable: true, value: navigator });
}
