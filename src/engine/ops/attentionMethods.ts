import type { Device } from "../gpu/device.ts";
import type { AttentionShape } from "../gpu/tuning.ts";
import {
  type AttentionKernel,
  isSmall,
  keptKernel,
  laneKernel,
  stagedKernel,
  tilesKernel,
} from "./attentionKernels.ts";

export type AttentionPass = "forward" | "backward";

/** One way to compute a pass. All of them give the same bits. */
export interface AttentionMethod {
  /** As `Tuning.choices` knows it. */
  name: string;
  /** In the order in which they run. Those that bind `kept` run for one group of pictures after another. */
  kernels: readonly AttentionKernel[];
}

/** Bytes of ds that a backward pass keeps at most: what WebGPU binds on every adapter. */
export const KEPT_BYTES = 2 ** 27;

/** Bytes of one picture's ds, [heads, keys, queries] with queries filled up to whole vectors. */
export const keptBytes = ({ heads, keys, queries }: AttentionShape): number =>
  4 * heads * keys * 4 * Math.ceil(queries / 4);

/** Every method of a pass that this device can run for this shape, the portable one first. */
export function attentionMethods(
  device: Device,
  pass: AttentionPass,
  shape: AttentionShape,
): AttentionMethod[] {
  const { capabilities, limits } = device;
  const room = limits.maxComputeWorkgroupStorageSize;
  const lanes = (...entries: Parameters<typeof laneKernel>[0][]) =>
    entries.map((entry) => laneKernel(entry, capabilities, shape));
  if (pass === "forward") {
    return [
      { name: "lanes", kernels: lanes("attention_forward") },
      { name: "staged", kernels: [stagedKernel(shape)] },
    ];
  }
  const methods: AttentionMethod[] = [
    {
      name: "lanes",
      kernels: lanes("attention_backward_q", "attention_backward_kv", "attention_backward_bias"),
    },
  ];
  if (isSmall(capabilities.subgroupSize)) {
    methods.push({ name: "onePass", kernels: lanes("attention_backward", "attention_backward_bias") });
  }
  const tiles = tilesKernel(shape, room);
  if (tiles && keptBytes(shape) <= KEPT_BYTES) {
    const kept = (entry: Parameters<typeof keptKernel>[0]) => keptKernel(entry, shape);
    methods.push({
      name: "tiles",
      kernels: [
        kept("attention_backward_delta"),
        tiles,
        kept("attention_backward_q_kept"),
        kept("attention_backward_bias_kept"),
      ],
    });
  }
  return methods;
}

/** The method the device's tuning names for this pass, if the device has it, or the one that ships for its adapter. */
export function chooseAttention(device: Device, pass: AttentionPass, shape: AttentionShape): AttentionMethod {
  const methods = attentionMethods(device, pass, shape);
  const named = (name: string | undefined) => methods.find((method) => method.name === name);
  const measured = device.tuning.choose({ op: `attention ${pass}`, shape: sizesOf(shape) });
  return named(measured) ?? named(shippedAttention(device, pass)) ?? methods[0]!;
}

/** The sizes alone, of what may hold more. */
const sizesOf = ({ batch, queries, keys, heads, headSize }: AttentionShape): AttentionShape => ({
  ...{ batch, queries, keys, heads, headSize },
});

/** The name of what ships: for software adapters what loads least, for GPUs what shares loads in workgroup memory. */
export function shippedAttention({ info, capabilities }: Device, pass: AttentionPass): string {
  const { subgroupSize } = capabilities;
  if (isSmall(subgroupSize)) return pass === "forward" ? "lanes" : "onePass";
  if (subgroupSize === 0 && /software|swiftshader/.test(info.architecture)) return "lanes";
  return pass === "forward" ? "staged" : "tiles";
}
