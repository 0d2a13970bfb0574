// DINO's k-nearest-neighbour classifier: Caron et al. 2021, arXiv:2104.14294; official file eval_knn.py.
// What differs: a class without a vote never counts as a top-5 hit, and ties go to the lower class.

import type { Device } from "../../engine/gpu/device.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { add } from "../../engine/ops/elementwise.ts";
import { topK } from "../../engine/ops/topK.ts";
import { checkPair, type Features } from "../features.ts";
import { holding } from "../holding.ts";
import { accuracyOf, type GuessLevels, guessLevels, type Hits, rankOf } from "../metrics.ts";
import { type ChunkOptions, chunkSizes, type FeatureRows, openCosines } from "./cosines.ts";

/** The nearest rows of a bank to each query, nearest first. Both [queries, k]. */
export interface Neighbours {
  similarities: Float32Array;
  indices: Uint32Array;
  k: number;
}

/** Below every cosine: what the empty rows of a last chunk get. */
const NEVER = -4;

/**
 * The k rows of `bank` [N, dim] with the largest cosine to each row of `queries` [Q, dim], equal ones by rising index;
 * a row of zeros has cosine 0 to all. The bank is streamed in chunks through matmul and topK, and the chunks' lists are
 * merged on the host. Throws unless 1 <= k <= N.
 */
export async function nearest(
  device: Device,
  queries: FeatureRows,
  bank: FeatureRows,
  k: number,
  { queryChunk = 256, bankChunk = 8192 }: ChunkOptions = {},
): Promise<Neighbours> {
  const { dim } = bank;
  const [queryCount, bankCount] = [queries.values.length / dim, bank.values.length / dim];
  if (queries.dim !== dim || !Number.isInteger(k) || k < 1 || k > bankCount) {
    throw new Error(
      `nearest: queries and bank must have one dim, and k be in [1, ${bankCount}]; ` +
        `got dim ${queries.dim} and ${dim}, k ${k}`,
    );
  }
  const lists = new NearestLists(queryCount, k);
  await holding(async (hold) => {
    const sizes = chunkSizes(device, queries, bank, { queryChunk, bankChunk });
    const { queryRows, bankRows } = sizes;
    const each = Math.min(k, bankRows);
    const offset = hold(Tensor.from(device, new Float32Array(bankRows), [bankRows])); // 0, or NEVER for an empty row
    const chunks = await openCosines(device, queries, bank, sizes, hold, (cosines) => ({
      ...topK(add(cosines, offset), each),
    }));
    for (let first = 0; first < bankCount; first += bankRows) {
      const here = Math.min(bankRows, bankCount - first);
      offset.write(Float32Array.from({ length: bankRows }, (_, i) => (i < here ? 0 : NEVER)));
      for (let start = 0; start < queryCount; start += queryRows) {
        const { values, indices } = chunks(start, first);
        const [similarities, found] = await Promise.all([values.read(), indices.read()]);
        for (let i = 0; i < Math.min(queryRows, queryCount - start); i++) {
          const row = [i * each, i * each + Math.min(each, here)] as const;
          lists.merge(start + i, similarities.subarray(...row), found.subarray(...row), first);
        }
      }
    }
  });
  const { similarities, indices } = lists;
  return { similarities, indices, k };
}

/** The best k so far of each query, sorted. Chunks come in rising order, so at a tie what is there stays in front. */
class NearestLists {
  readonly similarities: Float32Array;
  readonly indices: Uint32Array;
  readonly #k: number;
  readonly #lengths: Uint32Array;

  constructor(queries: number, k: number) {
    this.#k = k;
    this.#lengths = new Uint32Array(queries);
    this.similarities = new Float32Array(queries * k);
    this.indices = new Uint32Array(queries * k);
  }

  /** Merges a sorted list of a chunk whose first row has number `first`. */
  merge(query: number, similarities: ArrayLike<number>, indices: ArrayLike<number>, first: number): void {
    const base = query * this.#k;
    const had = this.#lengths[query]!;
    const oldSimilarities = this.similarities.slice(base, base + had);
    const oldIndices = this.indices.slice(base, base + had);
    const length = Math.min(this.#k, had + similarities.length);
    let [mine, theirs] = [0, 0];
    for (let i = 0; i < length; i++) {
      const isMine =
        mine < had && !(theirs < similarities.length && similarities[theirs]! > oldSimilarities[mine]!);
      this.similarities[base + i] = isMine ? oldSimilarities[mine]! : similarities[theirs]!;
      this.indices[base + i] = isMine ? oldIndices[mine++]! : first + indices[theirs++]!;
    }
    this.#lengths[query] = length;
  }
}

export interface KnnOptions extends ChunkOptions {
  /** Numbers of neighbours to report; DINO's [10, 20, 100, 200] when absent, of which 20 is its best. */
  k?: readonly number[];
  /** T of the vote exp(cosine / T); 0.07 when absent. */
  temperature?: number;
}

export interface KnnScore {
  /** As asked for. */
  k: number;
  /** As used: the whole bank where it is smaller than k. */
  neighbours: number;
  top1: number;
  top5: number;
  /** Top-1 by query, for paired comparisons. */
  hits: Hits;
}

export interface KnnResult extends GuessLevels {
  scores: KnnScore[];
  temperature: number;
  bankSize: number;
  queries: number;
}

/**
 * k-NN accuracy: each query takes its k nearest training features by cosine, each votes exp(cosine / T) for its class,
 * and the classes rank by their votes. A k beyond the bank takes the whole bank, which `neighbours` then says.
 */
export async function knn(
  device: Device,
  train: Features,
  test: Features,
  options: KnnOptions = {},
): Promise<KnnResult> {
  const { k: asked = [10, 20, 100, 200], temperature = 0.07 } = options;
  checkPair("knn", train, test);
  if (asked.length === 0 || !asked.every((k) => Number.isInteger(k) && k > 0) || !(temperature > 0)) {
    throw new Error(
      `knn: k must be whole numbers above 0 and the temperature above 0; got [${asked}] and ${temperature}`,
    );
  }
  const bankSize = train.labels.length;
  const used = asked.map((k) => Math.min(k, bankSize));
  const found = await nearest(device, test, train, Math.max(...used), options);
  const scores = asked.map((k, i): KnnScore => {
    const neighbours = used[i]!;
    const ranks = voteRanks(found, neighbours, train, test, temperature);
    const within = (limit: number): Hits => Uint8Array.from(ranks, (rank) => (rank < limit ? 1 : 0));
    return { k, neighbours, top1: accuracyOf(within(1)), top5: accuracyOf(within(5)), hits: within(1) };
  });
  const levels = guessLevels(train.labels, test.labels, train.classes);
  return { scores, ...levels, temperature, bankSize, queries: test.labels.length };
}

/** Rank of each query's own class by votes in float64, 0 the first; infinite for a class without a vote. */
function voteRanks(
  { similarities, indices, k }: Neighbours,
  neighbours: number,
  train: Features,
  test: Features,
  temperature: number,
): Float64Array {
  return Float64Array.from(test.labels, (label, query) => {
    const votes = new Float64Array(train.classes);
    const base = query * k;
    for (let i = base; i < base + neighbours; i++) {
      // Relative to the nearest, so that no vote overflows; a factor common to all votes.
      const vote = Math.exp((similarities[i]! - similarities[base]!) / temperature);
      votes[train.labels[indices[i]!]!]! += vote;
    }
    return votes[label]! > 0 ? rankOf(votes, label) : Number.POSITIVE_INFINITY;
  });
}
