/**
 * Retrieval by cosine among crops: "Understanding Self-Supervised Pretraining with Part-Aware Representation Learning"
 * (arXiv 2301.11915) section 4.2; official file `retrieval-classification/pr_patch_retrieval.py`. Every crop is a query
 * against every crop, itself included, and is answered well by crops of its own class. What differs: `keepSelf: false`
 * leaves the query out, which the paper does not do.
 */
import { compile } from "../../engine/capture/compile.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { normalize } from "../../engine/ops/normalize.ts";
import { checkFeatures, type Features } from "../features.ts";
import { holding } from "../holding.ts";

export interface RetrievalOptions {
  /** Whether a query is among its own answers, as in the paper (default). */
  keepSelf?: boolean;
  /** Queries, and answers, compared at once. They bound memory and change no result. */
  queryChunk?: number;
  bankChunk?: number;
}

export interface RetrievalResult {
  /** Mean of the average precision over all queries; the paper's AP. */
  ap: number;
  /** Mean over the classes of their queries' mean; the paper's mAP. */
  mAp: number;
  /** Average precision of each query, [count]; NaN for one whose class has no other crop when `keepSelf` is false. */
  precisions: Float64Array;
  /** The average precision of answers in random order: the mean share of a query's own class. */
  prevalence: number;
}

/**
 * Average precision of every row of `features` as a query against all rows, by cosine. scikit-learn's
 * `average_precision_score`: the sum of (R_k - R_(k-1)) P_k over distinct similarities, so that ties are one threshold.
 * Throws where there are no features or a label is no class.
 */
export async function retrieval(
  device: Device,
  features: Features,
  options: RetrievalOptions = {},
): Promise<RetrievalResult> {
  const { keepSelf = true } = options;
  const count = checkFeatures("retrieval", features);
  const { labels, classes } = features;
  const precisions = new Float64Array(count);
  await eachQuery(device, features, options, (query, similarities) => {
    precisions[query] = averagePrecision(similarities, labels, labels[query]!, keepSelf ? -1 : query);
  });
  const sizes = new Array<number>(classes).fill(0);
  for (const label of labels) sizes[label]!++;
  const others = keepSelf ? 0 : 1;
  const share = (label: number): number => (sizes[label]! - others) / (count - others);
  const answered = [...precisions.keys()].filter((query) => !Number.isNaN(precisions[query]!));
  const meanOf = (queries: readonly number[], value: (query: number) => number): number =>
    queries.reduce((total, query) => total + value(query), 0) / queries.length;
  const byClass = sizes.flatMap((_, label) => {
    const own = answered.filter((query) => labels[query] === label);
    return own.length > 0 ? [meanOf(own, (query) => precisions[query]!)] : [];
  });
  return {
    ap: meanOf(answered, (query) => precisions[query]!),
    mAp: byClass.reduce((total, value) => total + value, 0) / byClass.length,
    precisions,
    prevalence: meanOf(answered, (query) => share(labels[query]!)),
  };
}

/**
 * Average precision of answers with these similarities, of which those with the label are right; the one numbered `left` is
 * left out. The answers that are right add, each, the share of right ones among all that are at least as similar.
 */
export function averagePrecision(
  similarities: Float32Array,
  labels: Int32Array,
  label: number,
  left = -1,
): number {
  const all = similarities.filter((_, i) => i !== left).sort(); // rising; a typed array sorts numbers
  const right = similarities.filter((_, i) => i !== left && labels[i] === label).sort();
  let total = 0;
  let above = 0; // answers that are at least as similar as the threshold
  for (let end = right.length; end > 0; ) {
    const threshold = right[end - 1]!;
    let start = end;
    while (start > 0 && right[start - 1] === threshold) start--;
    while (above < all.length && all[all.length - 1 - above]! >= threshold) above++;
    total += ((end - start) * (right.length - start)) / above;
    end = start;
  }
  return right.length > 0 ? total / right.length : Number.NaN;
}

/** Calls `visit` with the cosines of each row to all rows, query by query. */
async function eachQuery(
  device: Device,
  { values, labels, dim }: Features,
  { queryChunk = 256, bankChunk = 16_384 }: RetrievalOptions,
  visit: (query: number, similarities: Float32Array) => void,
): Promise<void> {
  const count = labels.length;
  const bindable = Math.floor(device.limits.maxStorageBufferBindingSize / 4);
  const queryRows = Math.min(queryChunk, count);
  const bankRows = Math.min(bankChunk, count, Math.floor(bindable / Math.max(dim, queryRows)));
  const rows = (start: number, length: number): Float32Array => {
    const padded = new Float32Array(length * dim);
    padded.set(values.subarray(start * dim, Math.min(count, start + length) * dim));
    return padded;
  };
  await holding(async (hold) => {
    const x = hold(Tensor.from(device, rows(0, queryRows), [queryRows, dim]));
    const y = hold(Tensor.from(device, rows(0, bankRows), [bankRows, dim]));
    const step = hold(
      await compile(device, () => ({ cosines: matmul(normalize(x), normalize(y), { transposeB: true }) })),
    );
    for (let start = 0; start < count; start += queryRows) {
      x.write(rows(start, queryRows));
      const queries = Math.min(queryRows, count - start);
      const found = Array.from({ length: queries }, () => new Float32Array(count));
      for (let first = 0; first < count; first += bankRows) {
        y.write(rows(first, bankRows));
        const cosines = await step.run().cosines.read();
        const here = Math.min(bankRows, count - first);
        for (const [i, row] of found.entries()) {
          row.set(cosines.subarray(i * bankRows, i * bankRows + here), first);
        }
      }
      for (const [i, row] of found.entries()) visit(start + i, row);
    }
  });
}
