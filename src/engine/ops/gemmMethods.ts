import plainWgsl from "../../shaders/matmulPlain.wgsl";
import registerWgsl from "../../shaders/matmulRegister.wgsl";
import subgroupWgsl from "../../shaders/matmulSubgroup.wgsl";
import tileWgsl from "../../shaders/matmulTile.wgsl";
import workgroupWgsl from "../../shaders/matmulWorkgroup.wgsl";
import type { Capabilities } from "../gpu/device.ts";
import type { GemmMethod, Tile } from "../gpu/tuning.ts";

const WORKGROUP = 64;

/** Needs nothing but storage buffers: 4 x 4 values a thread. */
export const register: GemmMethod = {
  name: "register",
  entry: "matmul_register",
  sources: [registerWgsl],
  constants: { WORKGROUP },
  tile: { rows: 4, columns: 4 },
  tilesPerWorkgroup: WORKGROUP,
  addsParts: true,
};

/** Compiles fast and runs slowly. */
const plain: GemmMethod = {
  name: "plain",
  entry: "matmul_plain",
  sources: [plainWgsl],
  constants: { WORKGROUP },
  tile: { rows: 1, columns: 4 },
  tilesPerWorkgroup: WORKGROUP,
  addsParts: true,
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
    addsParts: true,
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
  addsParts: false,
});

/** Tiles of y in workgroup memory: `own` values of them a thread, `depth` values of k at a time. */
/* @__NO_SIDE_EFFECTS__ */
function byTile(name: string, tile: Tile, own: Tile, depth = 16): GemmMethod {
  return {
    name,
    entry: "matmul_tile",
    sources: [tileWgsl],
    constants: {
      TILE_M: tile.rows,
      TILE_N: tile.columns,
      ROWS: own.rows,
      COLUMNS: own.columns,
      DEPTH: depth,
      QUADS_M: own.rows / 4,
      QUADS_N: own.columns / 4,
      FETCHES: Math.ceil(
        ((tile.rows + tile.columns) * depth * own.rows * own.columns) / (16 * tile.rows * tile.columns),
      ),
    },
    tile,
    tilesPerWorkgroup: 1,
    workgroupBytes: 4 * depth * (tile.rows + tile.columns),
    addsParts: false,
  };
}

/** Each entry's constants are all there is to a variant: values a thread has by tile give 64 to 256 threads. */
const tiles: readonly GemmMethod[] = [
  byTile("tile128x128", { rows: 128, columns: 128 }, { rows: 8, columns: 8 }),
  byTile("tile128x64", { rows: 128, columns: 64 }, { rows: 8, columns: 8 }),
  byTile("tile64x128", { rows: 64, columns: 128 }, { rows: 8, columns: 8 }),
  byTile("tile64x64", { rows: 64, columns: 64 }, { rows: 8, columns: 4 }),
  byTile("tile64x64deep", { rows: 64, columns: 64 }, { rows: 8, columns: 4 }, 32),
  byTile("tile32x32", { rows: 32, columns: 32 }, { rows: 4, columns: 4 }),
];

/** Every method that a device chooses from, the portable one first; where it has products by subgroup matrices, of those. */
export function gemmMethods({ subgroupSize: lanes, matrices }: Capabilities): GemmMethod[] {
  if (matrices.length > 0) return [register, plain, ...matrices];
  const bySubgroups = lanes >= 4 && lanes <= 64 ? [16, 24].map((rows) => bySubgroup(lanes, rows)) : [];
  return [register, plain, ...bySubgroups, byWorkgroup(32), byWorkgroup(64), ...tiles];
}

/** Workgroups for one matrix of the batch. */
export const gemmGroups = (
  { tile, tilesPerWorkgroup }: GemmMethod,
  { m, n }: { m: number; n: number },
): number => Math.ceil((Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns)) / tilesPerWorkgroup);
