/**
 * Retrieval by cosine among crops: "Understanding Self-Supervised Pretraining with Part-Aware Representation Learning"
 * (arXiv 2301.11915) section 4.2; official file `retrieval-classification/pr_patch_retrieval.py`. Every crop is a query
 * against every crop, itself included, and is answered well by crops of its own class. What differs: `keepSelf: false`
 * leaves the query out, which the paper does not do; and MAE sees its patches where they are, unless `scrambledPatches` hides it.
 */
import type { Device } from "../../engine/gpu/device.ts";
import { checkFeatures, type Features } from "../features.ts";
import { holding } from "../holding.ts";
import { type ChunkOptions, chunkSizes, openCosines } from "./cosines.ts";

export interface RetrievalOptions extends ChunkOptions {
  /** Whether a query is among its own answers, as in the paper (default). */
  keepSelf?: boolean;
}

export interface RetrievalResult {
  /** Mean of the average precision over all queries; the paper's AP. */
  ap: number;
  /** Mean over the classes of their queries' mean; the paper's mAP. */
  mAp: number;
  /** Average precision of each query, [count]; NaN for one whose class has no other crop when `keepSelf` is false. */
  precisions: Float64Array;
  /** What answers in random order are expected to give, over the queries that `ap` is over; see `guessedPrecision`. */
  guess: number;
  /** The mean share of a query's own class among its answers, which `guess` comes down to where there are many. */
  prevalence: number;
}

/**
 * Average precision of every row of `features` as a query against all rows, by cosine. scikit-learn's
 * `average_precision_score`: the sum of (R_k - R_(k-1)) P_k over distinct similarities, so that ties are one threshold.
 * Throws where there are no features, a label is no class, or nobody has an answer that is right.
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
  const guesses = sizes.map((size) => guessedPrecision(size - 1, count - 1, keepSelf));
  const answered = [...precisions.keys()].filter((query) => !Number.isNaN(precisions[query]!));
  if (answered.length === 0) {
    throw new Error(
      `retrieval: a class must have two rows or more where queries are left out; got ${count} rows of as many classes`,
    );
  }
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
    guess: meanOf(answered, (query) => guesses[labels[query]!]!),
    prevalence: meanOf(answered, (query) => share(labels[query]!)),
  };
}

/**
 * Expected average precision of `total` answers in random order, `right` of them right, behind the query itself where that is
 * kept: it is the most similar to itself. More than the share of right ones, as a right answer counts itself: the k-th is right
 * with the chance right / total, and then of the k - 1 before it (right - 1) / (total - 1) are expected to be.
 */
export function guessedPrecision(right: number, total: number, keepSelf: boolean): number {
  const self = keepSelf ? 1 : 0;
  const again = total > 1 ? (right - 1) / (total - 1) : 0;
  let sum = self; // the query is a right answer in the first place
  for (let k = 1; k <= total; k++) sum += ((right / total) * (self + 1 + (k - 1) * again)) / (self + k);
  return sum / (self + right);
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
  const right = similaritiesOf(similarities, labels, label, left);
  const wrong = wrongAt(similarities, labels, label, left, right);
  let total = 0;
  let above = 0; // answers that are at least as similar as the threshold
  for (let end = right.length; end > 0; ) {
    const threshold = right[end - 1]!;
    let start = end;
    while (start > 0 && right[start - 1] === threshold) above += 1 + wrong[--start]!;
    total += ((end - start) * (right.length - start)) / above;
    end = start;
  }
  return right.length > 0 ? total / right.length : Number.NaN;
}

/** Of the answers that are right, the least similar first. */
function similaritiesOf(
  similarities: Float32Array,
  labels: Int32Array,
  label: number,
  left: number,
): Float32Array {
  const right = new Float32Array(labels.length);
  let count = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === label && i !== left) right[count++] = similarities[i]!;
  }
  return right.subarray(0, count).sort(); // a typed array sorts numbers
}

/**
 * How many wrong answers lie at each right one: at least as similar, and less than the next. Only the right ones are sorted, and
 * each wrong one looks for its place among them; of many classes they are few.
 */
function wrongAt(
  similarities: Float32Array,
  labels: Int32Array,
  label: number,
  left: number,
  right: Float32Array,
): Uint32Array {
  const wrong = new Uint32Array(right.length);
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === label || i === left) continue;
    const similarity = similarities[i]!;
    let [low, high] = [0, right.length]; // those before `low` are at most as similar, those from `high` on more
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (right[middle]! <= similarity) low = middle + 1;
      else high = middle;
    }
    if (low > 0) wrong[low - 1]!++;
  }
  return wrong;
}

/** Calls `visit` with the cosines of each row to all rows, query by query. */
async function eachQuery(
  device: Device,
  features: Features,
  { queryChunk = 256, bankChunk = 16_384 }: RetrievalOptions,
  visit: (query: number, similarities: Float32Array) => void,
): Promise<void> {
  const count = features.labels.length;
  await holding(async (hold) => {
    const sizes = chunkSizes(device, features, features, { queryChunk, bankChunk });
    const { queryRows, bankRows } = sizes;
    const chunks = await openCosines(device, features, features, sizes, hold, (cosines) => ({ cosines }));
    for (let start = 0; start < count; start += queryRows) {
      const queries = Math.min(queryRows, count - start);
      const found = Array.from({ length: queries }, () => new Float32Array(count));
      for (let first = 0; first < count; first += bankRows) {
        const cosines = await chunks(start, first).cosines.read();
        const here = Math.min(bankRows, count - first);
        for (const [i, row] of found.entries()) {
          row.set(cosines.subarray(i * bankRows, i * bankRows + here), first);
        }
      }
      for (const [i, row] of found.entries()) visit(start + i, row);
    }
  });
}
