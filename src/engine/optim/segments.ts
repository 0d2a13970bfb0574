import { BLOCK, type Parameters } from "../graph/parameters.ts";
import { Tensor } from "../graph/tensor.ts";

/** Values one workgroup adds up when a norm is taken. */
const CHUNK = 16_384;

/** The segment table on the GPU: how optimisers treat each parameter, and how norms are added up. */
export interface SegmentTable {
  /** Number of trained segments. */
  count: number;
  /** Number of chunks, those of all shards. */
  chunkCount: number;
  /** [segments, 4] u32: first chunk and number of chunks of each segment, 1 for several axes, 0. */
  segments: Tensor;
  /** A table for each of `Parameters.trained`. */
  shards: readonly ShardTable[];
}

export interface ShardTable {
  /**
   * [blocks, 4], for each block of 64 values of the shard: weight decay 0 or 1, learning rate scale, 1 for a tensor
   * with several axes, and the segment it belongs to.
   */
  blocks: Tensor;
  /** [chunks, 2] u32: first value and length of each chunk, in segment order; no chunk spans two segments. */
  chunks: Tensor;
  /** Which of all chunks the shard's first one is. */
  firstChunk: number;
}

const tables = new WeakMap<Parameters, SegmentTable>();

/** The table of a model's trained parameters; made once. */
export function segmentTable(parameters: Parameters): SegmentTable {
  let table = tables.get(parameters);
  if (!table) {
    table = build(parameters);
    tables.set(parameters, table);
  }
  return table;
}

function build(parameters: Parameters): SegmentTable {
  const { device, segments, trained } = parameters;
  const used = segments.filter((segment) => segment.trained);
  const blocks = trained.map(({ size }) => new Float32Array((4 * size) / BLOCK));
  const chunks: number[][] = trained.map(() => []);
  const rows: number[] = [];
  let chunkCount = 0;
  for (const [index, { shard, start, size, shape, decay, rateScale }] of used.entries()) {
    const severalAxes = shape.length > 1 ? 1 : 0;
    const row = [decay ? 1 : 0, rateScale, severalAxes, index];
    for (let block = start / BLOCK; block * BLOCK < start + size; block++) blocks[shard]!.set(row, 4 * block);
    const count = Math.ceil(size / CHUNK);
    rows.push(chunkCount, count, severalAxes, 0);
    chunkCount += count;
    for (let i = 0; i < count; i++) {
      chunks[shard]!.push(start + i * CHUNK, Math.min(CHUNK, size - i * CHUNK));
    }
  }
  let firstChunk = 0;
  const shards = chunks.map((spans, shard) => {
    const [before, many] = [firstChunk, spans.length / 2];
    firstChunk += many;
    return {
      blocks: parameters.table(() => Tensor.from(device, blocks[shard]!, [blocks[shard]!.length / 4, 4])),
      chunks: parameters.table(() => Tensor.from(device, spans, [many, 2], "u32")),
      firstChunk: before,
    };
  });
  return {
    count: used.length,
    chunkCount,
    segments: parameters.table(() => Tensor.from(device, rows, [used.length, 4], "u32")),
    shards,
  };
}
