import { availableParallelism } from "node:os";
import { Device, type DeviceOptions } from "../../engine/gpu/device.ts";
import { openMatrices } from "../../engine/ops/openMatrices.ts";
import { wait } from "../../node/wait.ts";
import { asUsage, UsageError } from "./errors.ts";

/** How a system without an adapter gets one. */
const REMEDIES: Partial<Record<NodeJS.Platform, string>> = {
  linux:
    "install a Vulkan driver; on Debian and Ubuntu `apt-get install mesa-vulkan-drivers libvulkan1` gives one that " +
    "needs no GPU (on Debian 12 with `-t bookworm-backports`)",
  darwin: "update macOS",
  win32: "update the graphics driver",
};

/** Dawn's first choice on each system; it does not name the backend it took. */
const BACKENDS: Partial<Record<NodeJS.Platform, string>> = {
  linux: "Vulkan",
  darwin: "Metal",
  win32: "D3D12",
};

/** The native API under Dawn on this system. */
export const backendName = (): string => BACKENDS[process.platform] ?? "unknown";

/** By their flags; kept for the life of the process: Dawn ends when its GPU object is collected, and devices with it. */
const gpus = new Map<string, GPU>();

/** Without it Dawn rounds GPU times to 65,536 ns, more than a small kernel takes. */
const EXACT_TIMES = "disable-dawn-features=timestamp_quantization";

/** Without them Dawn offers neither subgroup matrices nor f16 on NVIDIA. f32 goes without, as in a browser. */
const F16 = "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,use_vulkan_memory_model";

/** The flags of Dawn for a device. */
export const dawnFlags = ({ timestamps, precision }: DeviceOptions): string[] => [
  ...(timestamps ? [EXACT_TIMES] : []),
  ...(precision === "f16" ? [F16] : []),
];

/**
 * What tells Mesa's software adapter to keep to a share of the cores, for one of so many processes that compute beside each other:
 * two with a thread each did the work of one with two in 5/6 of its time. Nothing else reads it.
 */
export const shareOfCores = (processes: number): Record<string, string> =>
  processes > 1 ? { LP_NUM_THREADS: `${Math.max(1, Math.floor(availableParallelism() / processes))}` } : {};

/** Opens the best adapter that Dawn, the npm package `webgpu`, finds. */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const create = await loadDawn();
  const flags = dawnFlags(options);
  const found = gpus.get(`${flags}`) ?? create(flags);
  gpus.set(`${flags}`, found);
  if (!(await found.requestAdapter())) {
    const remedy = REMEDIES[process.platform] ?? "install a graphics driver";
    throw new UsageError(`no WebGPU adapter was found: ${remedy}`);
  }
  return asUsage(async () => {
    const device = await Device.open(found, { wait, ...options });
    await openMatrices(device);
    return device;
  });
}

async function loadDawn(): Promise<(flags: string[]) => GPU> {
  try {
    return (await import("webgpu")).create;
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new UsageError(
      `the package webgpu must be installed and load (${reason}): run \`npm install webgpu\``,
      {
        cause,
      },
    );
  }
}

/** Whether an adapter computes on the CPU: right results, but its speed says nothing about a GPU's. */
export function isSoftware({ architecture, description, isFallbackAdapter }: GPUAdapterInfo): boolean {
  return isFallbackAdapter || /software|llvmpipe|swiftshader|warp/i.test(`${architecture} ${description}`);
}
