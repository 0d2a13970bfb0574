import plainWgsl from "../../shaders/matmulPlain.wgsl";
import registerWgsl from "../../shaders/matmulRegister.wgsl";
import subgroupWgsl from "../../shaders/matmulSubgroup.wgsl";
import workgroupWgsl from "../../shaders/matmulWorkgroup.wgsl";
import type { Capabilities, Device } from "../gpu/device.ts";
import type { Constants } from "../gpu/kernel.ts";
import type { GemmShape } from "../gpu/tuning.ts";

/** The text and shape of one way to compute a product. All ways give the same bits. */
export interface GemmMethod {
  /** As the tuning cache knows it. */
  name: string;
  entry: string;
  sources: readonly string[];
  constants: Constants;
  /** Values of y one group of threads computes. */
  tile: { rows: number; columns: number };
  /** Such groups in a workgroup. */
  tilesPerWorkgroup: number;
  /** Workgroup memory it needs. */
  workgroupBytes?: number;
}

const WORKGROUP = 64;

/** Needs nothing but storage buffers: 4 x 4 values a thread. */
const register: GemmMethod = {
  name: "register",
  entry: "matmul_register",
  sources: [registerWgsl],
  constants: { WORKGROUP },
  tile: { rows: 4, columns: 4 },
  tilesPerWorkgroup: WORKGROUP,
};

/** Compiles fast and runs slowly. */
const plain: GemmMethod = {
  name: "plain",
  entry: "matmul_plain",
  sources: [plainWgsl],
  constants: { WORKGROUP },
  tile: { rows: 1, columns: 4 },
  tilesPerWorkgroup: WORKGROUP,
};

/** By subgroups of this many lanes: `rows` rows each, four columns a lane. */
function bySubgroup(lanes: number, rows: number): GemmMethod {
  const workgroup = lanes < 16 ? lanes : WORKGROUP;
  return {
    name: `subgroup${rows}`,
    entry: "matmul_subgroup",
    sources: [subgroupWgsl],
    constants: {
      WORKGROUP: workgroup,
      LANES: lanes,
      SHARED: Math.min(lanes, 8),
      ROWS: rows,
      EIGHTS: rows / 8,
    },
    tile: { rows, columns: 4 * lanes },
    tilesPerWorkgroup: workgroup / lanes,
  };
}

/** By workgroup memory: 64 threads for a square of `side` values. */
const byWorkgroup = (side: number): GemmMethod => ({
  name: `workgroup${side}`,
  entry: "matmul_workgroup",
  sources: [workgroupWgsl],
  constants: { MICRO: side / 8 },
  tile: { rows: side, columns: side },
  tilesPerWorkgroup: 1,
  workgroupBytes: 8192,
});

/** Every method a device with these capabilities can run, the portable one first. */
export function gemmMethods({ subgroupSize: lanes }: Capabilities): GemmMethod[] {
  const bySubgroups = lanes >= 4 && lanes <= 64 ? [16, 24].map((rows) => bySubgroup(lanes, rows)) : [];
  return [register, plain, ...bySubgroups, byWorkgroup(32), byWorkgroup(64)];
}

/** Workgroups for one matrix of the batch. */
export const gemmGroups = (
  { tile, tilesPerWorkgroup }: GemmMethod,
  { m, n }: { m: number; n: number },
): number => Math.ceil((Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns)) / tilesPerWorkgroup);

/** The method the device's tuning names for this shape, if the device has it, or the one that ships for its adapter. */
export function chooseMethod(device: Device, shape: GemmShape): GemmMethod {
  const methods = gemmMethods(device.capabilities);
  const named = (name: string | undefined) => methods.find((method) => method.name === name);
  return named(device.tuning.choose(shape)) ?? named(shippedMethod(device, shape)) ?? register;
}

/** Multiply-adds under which compiling a fast kernel does not pay. */
const PLAIN_BELOW = 2 ** 16;

/** Processors (compute units) a GPU of this vendor is assumed to have: a guess, for want of a way to ask. */
const PROCESSORS: Record<string, number> = { nvidia: 80, amd: 60, apple: 16, intel: 24 };

/**
 * The name of what ships. Measured on lavapipe and SwiftShader (docs/performance.md). For GPUs a guess by vendor, which
 * `partwise tune` replaces: large tiles where they fill the GPU, small ones elsewhere.
 */
export function shippedMethod({ info, capabilities }: Device, { m, n, k, batch }: GemmShape): string {
  if (m * n * k * batch < PLAIN_BELOW) return "plain";
  if (/software|swiftshader/.test(info.architecture)) {
    if (capabilities.subgroupSize === 0) return "register";
    const work = (rows: number): number => Math.ceil(m / rows) * rows;
    return work(24) < 1.15 * work(16) ? "subgroup24" : "subgroup16";
  }
  const tiles = Math.ceil(m / 64) * Math.ceil(n / 64) * batch;
  return tiles >= (PROCESSORS[info.vendor] ?? 24) ? "workgroup64" : "workgroup32";
}

/**
 * Changes whenever a kernel's text does, its comments and layout aside (FNV-1a): measured choices are worth nothing for
 * other kernels.
 */
export function gemmVersion(): string {
  let hash = 0x811c9dc5;
  const texts = [plainWgsl, registerWgsl, subgroupWgsl, workgroupWgsl].join("\n");
  for (const character of texts.replace(/\/\/.*|\s+/g, "")) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0");
}
