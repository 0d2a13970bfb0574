import { BLOCK, type Parameters } from "../parameters.ts";
import { Tensor } from "../tensor.ts";

/** Values one workgroup adds up when a norm is taken. */
const CHUNK = 16_384;

/** The segment table on the GPU: how optimisers treat each parameter, and how norms are added up. */
export interface SegmentTable {
  /** Number of trained segments. */
  count: number;
  /** [blocks] u32: the segment each block of 64 values belongs to. */
  ofBlock: Tensor;
  /** [segments, 4]: weight decay 0 or 1, learning rate scale, 1 for a tensor with several axes, unused. */
  rows: Tensor;
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
  const ofBlock = new Uint32Array(trained.size / BLOCK);
  const chunks: number[] = [];
  const chunksOf: number[] = [];
  for (const [index, { start, size }] of used.entries()) {
    ofBlock.fill(index, start / BLOCK, Math.ceil((start + size) / BLOCK));
    const count = Math.ceil(size / CHUNK);
    chunksOf.push(chunks.length / 2, count);
    for (let i = 0; i < count; i++) chunks.push(start + i * CHUNK, Math.min(CHUNK, size - i * CHUNK));
  }
  const rows = used.flatMap(({ decay, rateScale, shape }) => [
    decay ? 1 : 0,
    rateScale,
    shape.length > 1 ? 1 : 0,
    0,
  ]);
  return {
    count: used.length,
    ofBlock: Tensor.from(device, ofBlock, [ofBlock.length], "u32"),
    rows: Tensor.from(device, rows, [used.length, 4]),
    chunks: Tensor.from(device, chunks, [chunks.length / 2, 2], "u32"),
    chunksOf: Tensor.from(device, chunksOf, [used.length, 2], "u32"),
  };
}
