import { Command } from "commander";
import type { Device } from "../engine/gpu/device.ts";
import { rateText } from "../profile/byKernel.ts";
import { arithmeticRate, matmulRate, memoryRate } from "../profile/measure.ts";
import { f16Text } from "./options/precision.ts";
import { backendName, isSoftware, openDevice } from "./system/dawn.ts";
import { printLine, printResult } from "./system/output.ts";
import { byteSize } from "./system/progress.ts";

const now = (): number => performance.now();

/** `partwise doctor`. */
export const doctorCommand = (): Command =>
  new Command("doctor")
    .description("Show the GPU adapter, what it can do, and how fast it copies and multiplies.")
    .option("--json", "end with one line of JSON")
    .addHelpText("after", "\nExamples:\n  partwise doctor\n  partwise doctor --json | tail -n 1")
    .action(async ({ json }: { json?: boolean }) => {
      const device = await openDevice();
      const found = {
        command: "doctor",
        adapter: device.info.description,
        vendor: device.info.vendor,
        architecture: device.info.architecture,
        device: device.info.device,
        backend: backendName(),
        software: isSoftware(device.info),
        features: [...device.gpu.features].sort(),
        subgroups: subgroupsOf(device),
        limits: limitsOf(device),
        copy: await memoryRate(device, now),
        arithmetic: await arithmeticRate(device, now),
        matmul: await matmulRate(device, now),
        f16: await f16Of(),
      };
      const { subgroups, limits, copy, arithmetic, matmul, f16 } = found;
      const rows: [string, string][] = [
        ["adapter", `${found.adapter}${found.software ? " (software: computes on the CPU)" : ""}`],
        ["vendor", [found.vendor, found.architecture, found.device].filter(Boolean).join(", ")],
        ["backend", `${found.backend}, through Dawn`],
        ["features", found.features.join(", ")],
        ["subgroups", subgroups ? lanes(subgroups) : "none: the portable kernels are used"],
        [
          "buffer",
          `${byteSize(limits.maxBufferSize)}, bound ${byteSize(limits.maxStorageBufferBindingSize)} at once`,
        ],
        [
          "workgroup",
          `${limits.maxComputeInvocationsPerWorkgroup} lanes, ${byteSize(limits.maxComputeWorkgroupStorageSize)}`,
        ],
        ["grid", `${limits.maxComputeWorkgroupsPerDimension} workgroups per dimension`],
        ["bindings", `${limits.maxStorageBuffersPerShaderStage} storage buffers per kernel`],
        [
          "copy",
          `${rateText(copy.gigabytesPerSecond)} GB/s read and written (${byteSize(copy.bytes)}, by the ${copy.by}, checked)`,
        ],
        ["arithmetic", `${rateText(arithmetic.gigaflops)} GFLOP/s (f32, from registers)`],
        ["matmul", `${rateText(matmul.gigaflops)} GFLOP/s (f32, ${matmul.side} x ${matmul.side}, checked)`],
        ["f16", f16.text + (f16.gigaflops === null ? "" : `; ${rateText(f16.gigaflops)} GFLOP/s, checked`)],
      ];
      for (const [name, text] of rows) printLine(`${name.padEnd(11)}${text}`);
      printResult(json, found);
      device.destroy();
    });

/** What `--precision f16` does here: its products, which are timed where they are other kernels than those of f32. */
async function f16Of() {
  const device = await openDevice({ precision: "f16" });
  const { matrices, refused } = device.capabilities;
  const gigaflops = matrices.length > 0 ? (await matmulRate(device, now)).gigaflops : null;
  const found = { text: f16Text(device), matrices: matrices.map(({ name }) => name), refused, gigaflops };
  device.destroy();
  return found;
}

/** The limits that decide what fits. */
function limitsOf({ limits }: Device) {
  const {
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupsPerDimension,
  } = limits;
  return {
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupsPerDimension,
  };
}

interface Subgroups {
  least: number;
  most: number;
  /** Lanes that the subgroup kernels count on; 0 where the portable ones are used. */
  used: number;
}

function subgroupsOf({ capabilities, info }: Device): Subgroups | null {
  if (!capabilities.subgroups) return null;
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info;
  return { least, most, used: capabilities.subgroupSize };
}

const lanes = ({ least, most, used }: Subgroups): string =>
  `${least === most ? least : `${least} to ${most}`} lanes${used ? "" : ", not used"}`;
