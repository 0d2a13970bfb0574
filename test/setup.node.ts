/** Node: the GPU object comes from Dawn, one for each test file, made when first asked for. */
import { afterAll, vi } from "vitest";
import { create } from "webgpu";
import { wait } from "../src/node/wait.ts";
import { provideGpu } from "./gpu.ts";

let gpu: GPU | undefined;

provideGpu(
  () => {
    gpu ??= create([]);
    return gpu;
  },
  { wait },
);

// Files share a process, and nothing of the modules that they load: none sees what another has left in one.
afterAll(() => {
  vi.resetModules();
});
