import type { Device } from "../../engine/gpu/device.ts";
import { backendName, isSoftware } from "./dawn.ts";

/** What computed, as results say it. */
export interface AdapterReport {
  description: string;
  vendor: string;
  architecture: string;
  /** The native API below WebGPU. */
  backend: string;
  /** Whether it computes on the CPU. */
  software: boolean;
  /** 0 where kernels without subgroups ran. */
  subgroupSize: number;
}

/** What computes on a device. */
export function adapterOf({ info, capabilities }: Device): AdapterReport {
  return {
    description: info.description,
    vendor: info.vendor,
    architecture: info.architecture,
    backend: backendName(),
    software: isSoftware(info),
    subgroupSize: capabilities.subgroupSize,
  };
}
