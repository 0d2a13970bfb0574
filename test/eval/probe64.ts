// MAE's linear probe as one writes it down by hand, in float64 and without anything of src/eval but its types.
import { crossEntropy64, linear64 } from "../../bench/reference64/layers64.ts";
import { permutation } from "../../src/data/batches.ts";
import { philox4x32 } from "../../src/engine/random.ts";
import type { Features } from "../../src/eval/features.ts";

/** Every constant of the probe, each on its own. */
export interface ProbeRecipe {
  seed: number;
  stream: number;
  /** The epoch whose order and whose view epoch e has. */
  orderOf(epoch: number): number;
  viewOf(epoch: number): number;
  epochs: number;
  batchSize: number;
  rate: number;
  /** In steps. */
  warmupSteps: number;
  rateLead: number;
  weightDecay: number;
  momentum: number;
  trust: number;
  /** Of batch norm: weight of the new batch, what is added to variances. */
  statisticsMomentum: number;
  eps: number;
}

export interface Probed {
  losses: number[];
  weight: Float64Array;
  bias: Float64Array;
  mean: Float64Array;
  variance: Float64Array;
  /** Of the test rows, [rows, classes]. */
  logits: Float64Array;
}

/** Rows of features in float64. */
function rowsOf({ values, dim }: Features, indices: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: indices.length * dim }, (_, at) => {
    return values[indices[Math.floor(at / dim)]! * dim + (at % dim)]!;
  });
}

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Trains from `weight` [K, D] and zeros. */
export function probe64(
  views: readonly Features[],
  test: Features,
  firstWeight: ArrayLike<number>,
  recipe: ProbeRecipe,
): Probed {
  const [{ labels, dim: k, classes: n }] = views as [Features];
  const { seed, stream, epochs, batchSize: m, warmupSteps, momentum, eps } = recipe;
  const weight = Float64Array.from(firstWeight);
  const bias = new Float64Array(n);
  const moments = [new Float64Array(n * k), new Float64Array(n)] as const;
  const mean = new Float64Array(k);
  const variance = new Float64Array(k).fill(1);
  const steps = Math.floor(labels.length / m);
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    let taken = 0;
    const order = permutation(labels.length, () => {
      return philox4x32([taken >> 2, recipe.orderOf(epoch), stream, 0], [seed, 0])[taken++ % 4]!;
    });
    let total = 0;
    for (let i = 0; i < steps; i++) {
      const indices = order.subarray(i * m, (i + 1) * m);
      const x = rowsOf(views[recipe.viewOf(epoch) % views.length]!, indices);
      for (let d = 0; d < k; d++) {
        const column = Float64Array.from({ length: m }, (_, row) => x[row * k + d]!);
        const center = column.reduce((sum, v) => sum + v, 0) / m;
        const squares = column.reduce((sum, v) => sum + (v - center) ** 2, 0);
        for (let row = 0; row < m; row++)
          x[row * k + d] = (column[row]! - center) / Math.sqrt(squares / m + eps);
        mean[d]! += recipe.statisticsMomentum * (center - mean[d]!);
        variance[d]! += recipe.statisticsMomentum * (squares / (m - 1) - variance[d]!);
      }
      const logits = linear64(x, weight, bias, { m, n, k });
      const loss = crossEntropy64(
        logits.y,
        Array.from(indices, (row) => labels[row]!),
        n,
      );
      total += loss.y[0]!;
      const gradients = logits.backward(loss.backward([1]));
      const step = epoch * steps + i + recipe.rateLead;
      const share = (step - warmupSteps) / (epochs * steps - warmupSteps);
      const cosine = recipe.rate * 0.5 * (1 + Math.cos(Math.PI * share));
      const rate = step < warmupSteps ? (recipe.rate * step) / warmupSteps : cosine;
      const d = gradients.weight.map((g, at) => g + recipe.weightDecay * weight[at]!);
      const q = (recipe.trust * norm(weight)) / norm(d);
      const moves = [d.map((v) => q * v), gradients.bias] as const;
      for (const [which, p] of [weight, bias].entries()) {
        for (let at = 0; at < p.length; at++) {
          moments[which]![at] = momentum * moments[which]![at]! + moves[which]![at]!;
          p[at]! -= rate * moments[which]![at]!;
        }
      }
    }
    losses.push(total / steps);
  }
  const x = rowsOf(test, [...test.labels.keys()]).map((v, at) => {
    return (v - mean[at % k]!) / Math.sqrt(variance[at % k]! + eps);
  });
  const logits = linear64(x, weight, bias, { m: test.labels.length, n, k }).y;
  return { losses, weight, bias, mean, variance, logits };
}
