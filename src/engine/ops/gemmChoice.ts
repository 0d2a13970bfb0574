import type { Device } from "../gpu/device.ts";
import type { GemmMethod, GemmShape } from "../gpu/tuning.ts";
import { gemmMethods, register } from "./gemmMethods.ts";

/**
 * The method the device's tuning names for this shape, if the device has it, or the one that ships for its adapter. k is
 * cut into `parts`. Where there are subgroup matrices, what was measured of other methods does not count.
 */
export function chooseMethod(device: Device, shape: GemmShape, parts = 1): GemmMethod {
  const methods = gemmMethods(device.capabilities);
  const named = (name: string | undefined) => methods.find((method) => method.name === name);
  const tuned = named(device.tuning.choose({ op: "matmul", shape }));
  const isMeant = device.capabilities.matrices.length === 0 || tuned?.roundsOperands;
  return (isMeant ? tuned : undefined) ?? named(shippedMethod(device, shape, parts)) ?? register;
}

/** Whether the adapter computes on the CPU, as Dawn's architecture tells. */
export const isSoftwareAdapter = ({ info }: Device): boolean =>
  /software|swiftshader/.test(info.architecture);

/** Multiply-adds under which compiling a fast kernel does not pay. */
const PLAIN_BELOW = 2 ** 16;

/** Processors (compute units) a GPU of this vendor is assumed to have, for want of a way to ask: an H100's, else a guess. */
const PROCESSORS: Record<string, number> = { nvidia: 132, amd: 60, apple: 16, intel: 24 };

/**
 * The name of what ships. Measured on lavapipe, SwiftShader and an H100 (docs/performance.md); for other GPUs it is a guess,
 * which `partwise tune` replaces.
 */
export function shippedMethod(device: Device, shape: GemmShape, parts = 1): string {
  const { info, capabilities } = device;
  const { m, n, k, batch } = shape;
  if (m * n * k * batch < PLAIN_BELOW) return "plain";
  const processors = PROCESSORS[info.vendor] ?? 24;
  const { matrices } = capabilities;
  if (matrices.length > 0) return shippedMatrix(matrices, shape, parts * batch, processors);
  if (isSoftwareAdapter(device)) {
    if (capabilities.subgroupSize === 0) return "register";
    const work = (rows: number): number => Math.ceil(m / rows) * rows;
    return work(24) < 1.15 * work(16) ? "subgroup24" : "subgroup16";
  }
  return shippedTile(shape, parts, processors);
}

/**
 * The largest tile of subgroup matrices that gives every processor two workgroups or more, else the smallest: a guess, since no
 * GPU has timed them yet.
 */
function shippedMatrix(
  matrices: readonly GemmMethod[],
  { m, n }: GemmShape,
  slices: number,
  processors: number,
): string {
  const groups = ({ tile }: GemmMethod): number =>
    Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns) * slices;
  return (matrices.find((method) => groups(method) >= 2 * processors) ?? matrices.at(-1)!).name;
}

/**
 * The tile for a GPU, by workgroups a processor, as an H100 measured them (docs/performance.md): the largest that leaves every
 * processor several workgroups, else a small one.
 */
function shippedTile(
  { m, n, batch, transposeA, transposeB }: GemmShape,
  parts: number,
  processors: number,
): string {
  const each = (rows: number, columns: number): number =>
    (Math.ceil(m / rows) * Math.ceil(n / columns) * batch * parts) / processors;
  if (transposeA && !transposeB) {
    if (each(64, 64) < 4) return "tile32x32";
    return each(128, 64) >= 6 ? "tile128x64" : "tile64x64";
  }
  if (!transposeB) return each(64, 128) >= 6 ? "tile64x128" : "tile64x64";
  if (each(128, 128) >= 6) return "tile128x128";
  if (each(128, 64) >= 6) return "tile128x64";
  return each(64, 64) >= 3 ? "tile64x64" : "tile64x64deep";
}
