/** `--precision` of the commands that train, and what an adapter makes of it. */
import { type Command, Option } from "commander";
import type { Device, Precision } from "../../engine/gpu/device.ts";

const PRECISIONS: readonly Precision[] = ["f32", "f16"];

/** Adds --precision to a command. */
export const addPrecisionOption = (command: Command): Command =>
  command.addOption(
    new Option(
      "--precision <name>",
      "of matrix products: f32, or f16 with f32 sums and a scaled loss (default: f32)",
    ).choices(PRECISIONS),
  );

/** How a device multiplies in f16, in one sentence. */
export function f16Text({ capabilities }: Pick<Device, "capabilities">): string {
  const { matrices, refused } = capabilities;
  const wrong =
    refused.length > 0
      ? `; refused by this driver or wrong on it, and never used: ${refused.join(", ")}`
      : "";
  if (matrices.length > 0)
    return `by subgroup matrices, ${matrices.map(({ name }) => name).join(", ")}${wrong}`;
  const none = wrong === "" ? ": this adapter offers no subgroup matrices that can be used here" : wrong;
  return `operands are rounded to f16 and multiplied in f32, no faster than f32${none}`;
}
