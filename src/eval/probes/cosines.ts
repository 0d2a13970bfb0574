/** Cosines of many rows to many rows: more than the device holds at once, therefore a chunk of each at a time. */
import { compile } from "../../engine/capture/compile.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { normalize } from "../../engine/ops/normalize.ts";
import type { Features } from "../features.ts";
import type { Hold } from "../holding.ts";

/** Rows of features, [count, dim]. */
export type FeatureRows = Pick<Features, "values" | "dim">;

/** Rows compared at once. They bound memory and change no result. */
export interface ChunkOptions {
  queryChunk?: number;
  bankChunk?: number;
}

/** The rows of a chunk. */
export interface ChunkSizes {
  queryRows: number;
  bankRows: number;
}

/**
 * As many rows as are wanted, no more than there are, and so few that a chunk of queries, one of the bank and their cosines each
 * fit one binding of the device: raw pixels are 150,528 numbers a row at a side of 224.
 */
export function chunkSizes(
  { limits }: Pick<Device, "limits">,
  queries: FeatureRows,
  bank: FeatureRows,
  { queryChunk, bankChunk }: Required<ChunkOptions>,
): ChunkSizes {
  const { dim } = bank;
  const within = (width: number): number =>
    Math.max(1, Math.floor(limits.maxStorageBufferBindingSize / 4 / width));
  const queryRows = Math.min(queryChunk, queries.values.length / dim, within(dim));
  const bankRows = Math.min(bankChunk, bank.values.length / dim, within(Math.max(dim, queryRows)));
  return { queryRows, bankRows };
}

/**
 * A function of the first query and the first row of the bank in a chunk of each, `queries` [Q, dim] and `bank` [N, dim], which
 * compares the two. `read` makes of the cosines [queryRows, bankRows] what is read of them; a row beyond the last, and a row of
 * zeros, has cosine 0 to all. A chunk that is there stays: what an outer loop names is uploaded once, what an inner one, each time.
 */
export async function openCosines<Read extends Readonly<Record<string, Tensor>>>(
  device: Device,
  queries: FeatureRows,
  bank: FeatureRows,
  { queryRows, bankRows }: ChunkSizes,
  hold: Hold,
  read: (cosines: Tensor) => Read,
): Promise<(start: number, first: number) => Read> {
  const x = chunkOf(device, queries, queryRows, hold);
  const y = chunkOf(device, bank, bankRows, hold);
  const step = hold(
    await compile(device, () => read(matmul(normalize(x.rows), normalize(y.rows), { transposeB: true }))),
  );
  return (start, first) => {
    x.show(start);
    y.show(first);
    return step.run();
  };
}

/** `size` rows on the device, from the one on that `show` names; zeros beyond the last. */
function chunkOf(device: Device, { values, dim }: FeatureRows, size: number, hold: Hold) {
  const from = (start: number): Float32Array => {
    const part = values.subarray(start * dim, (start + size) * dim);
    if (part.length === size * dim) return part;
    const padded = new Float32Array(size * dim);
    padded.set(part);
    return padded;
  };
  let shown = 0;
  const rows = hold(Tensor.from(device, from(shown), [size, dim]));
  return {
    rows,
    show(start: number): void {
      if (start === shown) return;
      rows.write(from(start));
      shown = start;
    },
  };
}
