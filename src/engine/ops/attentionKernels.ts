import backwardWgsl from "../../shaders/attentionBackward.wgsl";
import keptWgsl from "../../shaders/attentionKept.wgsl";
import lanesWgsl from "../../shaders/attentionLanes.wgsl";
import rowsWgsl from "../../shaders/attentionRows.wgsl";
import rowsSubgroupWgsl from "../../shaders/attentionRowsSubgroup.wgsl";
import stagedWgsl from "../../shaders/attentionStaged.wgsl";
import tilesWgsl from "../../shaders/attentionTiles.wgsl";
import type { Capabilities } from "../gpu/device.ts";
import type { Constants } from "../gpu/kernel.ts";
import { sharing } from "../gpu/subgroups.ts";
import type { AttentionShape } from "../gpu/tuning.ts";
import { nanTexts } from "./reduce.ts";

/** The tensors of attention's kernels. */
export type Operand = "q" | "k" | "v" | "o" | "statistics" | "dy" | "gradients" | "dbias" | "bias" | "kept";

/** One kernel of a pass: its text without what all of them share, and how work is split. */
export interface AttentionKernel {
  entry: string;
  sources: readonly string[];
  constants: Constants;
  /** What a workgroup has a part of, in every picture and head: rows of q, rows of k, or pairs of both. */
  by: "queries" | "keys" | "pairs";
  /** As many of them. */
  span: number;
  /** The bias only where there is one. */
  binds: readonly Operand[];
  /** Matrix products of the size of q kᵀ that it computes. */
  products: number;
  workgroupBytes: number;
}

/** Whether subgroups are those of a software adapter: small, and loads cost most. */
export const isSmall = (subgroupSize: number): boolean => subgroupSize === 4 || subgroupSize === 8;

/** How the rows of a pass are shared out to lanes. */
interface Sharing {
  /** Lanes; a small subgroup is a workgroup, so that few lanes idle beyond the last row. */
  workgroup: number;
  /** Queries or keys of a lane. */
  own: number;
  /** Rows of the other side that are walked at a time. */
  block: number;
}

/**
 * With small subgroups a lane has up to three of `own` rows, as many as leave the fewest idle, so that a loaded row of the
 * `others` serves all of them. A GPU hides loads behind other lanes and runs out of registers first: one row a lane.
 */
function sharingOf({ subgroupSize }: Capabilities, own: number, others: number): Sharing {
  if (!isSmall(subgroupSize)) {
    return { workgroup: subgroupSize > 8 ? Math.min(subgroupSize, 32) : 32, own: 1, block: 8 };
  }
  const costs = [1, 0.7, 0.55]; // of a row, measured
  const total = costs.map((cost, i) => cost * Math.ceil(own / (subgroupSize * (i + 1))) * (i + 1));
  return {
    workgroup: subgroupSize,
    own: total.indexOf(Math.min(...total)) + 1,
    block: 8 * Math.min(3, Math.ceil(others / 8)),
  };
}

const LANES = {
  attention_forward: {
    by: "queries",
    binds: ["q", "k", "v", "o", "statistics", "bias"],
    products: 2,
  },
  attention_backward_q: {
    by: "queries", // also prepares do·o for the others
    binds: ["q", "k", "v", "o", "statistics", "dy", "gradients", "bias"],
    products: 3,
  },
  attention_backward_kv: {
    by: "keys",
    binds: ["q", "k", "v", "statistics", "dy", "gradients", "bias"],
    products: 4,
  },
  attention_backward_bias: {
    by: "pairs",
    binds: ["q", "k", "v", "statistics", "dy", "dbias", "bias"],
    products: 2,
  },
  attention_backward: {
    by: "keys", // and a workgroup has all of them
    binds: ["q", "k", "v", "o", "statistics", "dy", "gradients", "bias"],
    products: 5,
  },
} as const satisfies Record<string, Pick<AttentionKernel, "by" | "binds" | "products">>;

/** A kernel with a lane for each row, or for a few. */
export function laneKernel(
  entry: keyof typeof LANES,
  capabilities: Capabilities,
  { queries, keys, headSize }: AttentionShape,
): AttentionKernel {
  const { by } = LANES[entry];
  const isWhole = entry === "attention_backward";
  const shared = sharing(capabilities.subgroupSize);
  const rows = { queries, keys, pairs: queries * keys }[by];
  const { workgroup, own, block } = sharingOf(capabilities, rows, isWhole ? 8 : keys);
  return {
    ...LANES[entry],
    entry,
    sources: [
      ...nanTexts(),
      lanesWgsl,
      ...(isWhole ? [backwardWgsl] : []),
      ...(shared.length > 0 ? [...shared, rowsSubgroupWgsl] : [rowsWgsl]),
    ],
    constants: { WORKGROUP: workgroup, OWN: own, BLOCK: block, D4: headSize / 4 },
    span: isWhole ? keys : by === "pairs" ? workgroup : workgroup * own,
    workgroupBytes: 0,
  };
}

/** Bytes of a vec4f. */
const VECTOR = 16;

/** Forward with a lane for a query, and keys and values staged in 16 KiB of workgroup memory. */
export function stagedKernel({ queries, headSize }: AttentionShape): AttentionKernel {
  const vectors = headSize / 4;
  const workgroup = Math.min(128, 32 * Math.ceil(queries / 32));
  const keys = Math.min(32, 8 * Math.floor(64 / vectors));
  return {
    ...LANES.attention_forward,
    entry: "attention_forward_staged",
    sources: [...nanTexts(), stagedWgsl],
    constants: { WORKGROUP: workgroup, KEYS: keys, D4: vectors },
    span: workgroup,
    workgroupBytes: 2 * keys * vectors * VECTOR,
  };
}

/** Keys a lane by lanes down, 8 across: the largest tiles first. */
const TILES = [
  [2, 16],
  [2, 8],
  [1, 8],
] as const;

/** dk and dv by tiles, ds kept; undefined where no tile fits into this many bytes of workgroup memory. */
export function tilesKernel(
  { headSize }: AttentionShape,
  workgroupBytes: number,
): AttentionKernel | undefined {
  const columns = Math.ceil(headSize / 32);
  const kernels = TILES.map(([rows, down]): AttentionKernel => {
    const tiles = 2 * (rows * down + 32) * (8 * columns + 1);
    const weights = 2 * rows * down * 9;
    return {
      entry: "attention_backward_kv_tiles",
      sources: [...nanTexts(4), tilesWgsl],
      constants: { ROWS: rows, DOWN: down, COLUMNS: columns, D4: headSize / 4 },
      by: "keys",
      span: rows * down,
      binds: ["q", "k", "v", "statistics", "dy", "gradients", "bias", "kept"],
      products: 4,
      workgroupBytes: (tiles + weights) * VECTOR,
    };
  });
  return kernels.find((kernel) => kernel.workgroupBytes <= workgroupBytes);
}

const KEPT = {
  attention_backward_delta: { by: "queries", span: 64, binds: ["o", "statistics", "dy"], products: 0 },
  attention_backward_q_kept: { by: "queries", span: 32, binds: ["k", "gradients", "kept"], products: 1 },
  attention_backward_bias_kept: { by: "pairs", span: 64, binds: ["dbias", "kept"], products: 0 },
} as const satisfies Record<string, Pick<AttentionKernel, "by" | "span" | "binds" | "products">>;

/** What runs before and after `tilesKernel`. */
export function keptKernel(entry: keyof typeof KEPT, { headSize }: AttentionShape): AttentionKernel {
  const columns = Math.ceil(headSize / 32);
  const keys = headSize > 64 ? 16 : 32;
  const vectors = entry === "attention_backward_q_kept" ? keys * (8 + 8 * columns + 1) : 0;
  return {
    ...KEPT[entry],
    entry,
    sources: [keptWgsl],
    constants: { KEYS: keys, COLUMNS: columns, D4: headSize / 4 },
    workgroupBytes: vectors * VECTOR,
  };
}
