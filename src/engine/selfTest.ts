import selfTestWgsl from "../shaders/selfTest.wgsl";
import selfTestSubgroupWgsl from "../shaders/selfTestSubgroup.wgsl";
import type { Device } from "./device.ts";
import { type Kernel, kernel } from "./kernel.ts";
import { uniform } from "./pipelines.ts";
import { Tensor, type Values } from "./tensor.ts";

const LANES = 64;
const compute = kernel("self_test", [selfTestWgsl]);
const layout = kernel("self_test_subgroup", [selfTestSubgroupWgsl]);

async function answerOf(device: Device, run: Kernel, ...sizes: Uint32Array[]): Promise<Values> {
  const answer = Tensor.empty(device, [LANES], "u32");
  device.run(run, [...sizes, answer], 1);
  const values = await answer.read();
  answer.dispose();
  return values;
}

/** Runs a tiny kernel and reads it back; throws if the adapter answers without having computed. */
export async function selfTest(device: Device): Promise<void> {
  const seed = 12_345;
  const values = await answerOf(device, compute, uniform(seed));
  if (!values.every((value, i) => value === seed * (i + 1))) {
    const name = device.info.description || device.info.vendor;
    throw new Error(
      `Device.open: the adapter must compute; "${name}" answers without (a null backend?). Choose another adapter`,
    );
  }
}

/** Whether subgroups of this size are runs of consecutive lanes, as the kernels that share registers assume. */
export async function subgroupsAreRuns(device: Device, size: number): Promise<boolean> {
  const values = await answerOf(device, layout);
  return values.every((value, i) => value === i % size);
}
