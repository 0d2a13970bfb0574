import selfTestWgsl from "../../shaders/selfTest.wgsl";
import selfTestSubgroupWgsl from "../../shaders/selfTestSubgroup.wgsl";
import type { Bound } from "./command.ts";
import { type Kernel, kernel } from "./kernel.ts";
import type { Storage } from "./memory.ts";
import type { Range } from "./range.ts";
import { words } from "./words.ts";

/** The part of a device that its test needs. */
interface Tested {
  readonly info: GPUAdapterInfo;
  allocate(bytes: number): Storage;
  run(kernel: Kernel, bindings: readonly Bound[], workgroups: number): void;
  read(range: Range): Promise<ArrayBuffer>;
  release(storage: Storage): void;
}

const LANES = 64;
const compute = kernel("self_test", [selfTestWgsl]);
const layout = kernel("self_test_subgroup", [selfTestSubgroupWgsl]);

async function answerOf(device: Tested, run: Kernel, ...sizes: Uint32Array[]): Promise<Uint32Array> {
  const bytes = LANES * 4;
  const answer = { storage: device.allocate(bytes), offset: 0, bytes };
  device.run(run, [...sizes, answer], 1);
  const values = new Uint32Array(await device.read(answer));
  device.release(answer.storage);
  return values;
}

/** Runs a tiny kernel and reads it back; throws if the adapter answers without having computed. */
export async function selfTest(device: Tested): Promise<void> {
  const seed = 12_345;
  const values = await answerOf(device, compute, words(seed));
  if (!values.every((value, i) => value === seed * (i + 1))) {
    const name = device.info.description || device.info.vendor;
    throw new Error(
      `Device.open: the adapter must compute; "${name}" answers without (a null backend?). Choose another adapter`,
    );
  }
}

/** Whether subgroups of this size are runs of consecutive lanes, as the kernels that share registers assume. */
export async function subgroupsAreRuns(device: Tested, size: number): Promise<boolean> {
  const values = await answerOf(device, layout);
  return values.every((value, i) => value === i % size);
}
