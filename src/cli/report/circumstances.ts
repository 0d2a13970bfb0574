import type { Device } from "../../engine/gpu/device.ts";
import { backendName, isSoftware } from "../system/dawn.ts";
import type { AdapterReport } from "./data.ts";

/** What computed. */
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
