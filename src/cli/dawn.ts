import { Device, type DeviceOptions } from "../engine/gpu/device.ts";
import { wait } from "../node/wait.ts";
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

/** Kept for the life of the process: Dawn ends when its GPU object is collected, and devices with it. */
let gpu: GPU | undefined;

/** Without it Dawn rounds GPU times to 65,536 ns, more than a small kernel takes. */
const EXACT_TIMES = "disable-dawn-features=timestamp_quantization";

/** Opens the best adapter that Dawn, the npm package `webgpu`, finds. */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const create = await loadDawn();
  gpu ??= create(options.timestamps ? [EXACT_TIMES] : []);
  const found = gpu;
  if (!(await found.requestAdapter())) {
    const remedy = REMEDIES[process.platform] ?? "install a graphics driver";
    throw new UsageError(`no WebGPU adapter was found: ${remedy}`);
  }
  return asUsage(() => Device.open(found, { wait, ...options }));
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
