import { BLOCK, type Parameters } from "../graph/parameters.ts";
import { Tensor } from "../graph/tensor.ts";

/** Values one workgroup adds up when a norm is taken. */
const CHUNK = 16_384;

/** The segment table on the GPU: how optimisers treat each parameter, and how norms are added up. */
export interface SegmentTable {
  /** Number of trained segments. */
  count: number;
  /**
   * [blocks, 4], for each block of 64 values: weight decay 0 or 1, learning rate scale, 1 for a tensor with several axes, and
   * the segment it belongs to.
   */
  blocks: Tensor;
  /** [chunks, 2] u32: first value and length of each chunk, in segment order; no chunk spans two segments. */
  chunks: Tensor;
  /** [segments, 2] u32: first chunk and number of chunks of each segment. */
  chunksOf: Tensor;
}

const tables = new WeakMap<Parameters, SegmentTable>();

/** The table of a model's trained parameters; made once. */
export function segmentTable(parameters: Parameters): SegmentTable {
  let table = tables.get(parameters);
  if (!table) {
    table = parameters.device.eager.keep(() => build(parameters));
    tables.set(parameters, table);
  }
  return table;
}

function build({ device, segments, trained }: Parameters): SegmentTable {
  const used = segments.filter((segment) => segment.trained);
  const blocks = new Float32Array((4 * trained.size) / BLOCK);
  const chunks: number[] = [];
  const chunksOf: number[] = [];
  for (const [index, { start, size, shape, decay, rateScale }] of used.entries()) {
    const row = [decay ? 1 : 0, rateScale, shape.length > 1 ? 1 : 0, index];
    for (let block = start / BLOCK; block * BLOCK < start + size; block++) blocks.set(row, 4 * block);
    const count = Math.ceil(size / CHUNK);
    chunksOf.push(chunks.length / 2, count);
    for (let i = 0; i < count; i++) chunks.push(start + i * CHUNK, Math.min(CHUNK, size - i * CHUNK));
  }
  return {
    count: used.length,
    blocks: Tensor.from(device, blocks, [blocks.length / 4, 4]),
    chunks: Tensor.from(device, chunks, [chunks.length / 2, 2], "u32"),
    chunksOf: Tensor.from(device, chunksOf, [used.length, 2], "u32"),
  };
}
