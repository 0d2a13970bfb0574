/** Node: the GPU object comes from Dawn, one for each test process, made when first asked for. */
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
