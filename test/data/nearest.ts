/** Plain loops that judge features of pictures: nearest neighbours and average precision, by cosine. */

/** Each row of length 1, after the mean of `center` is taken off. */
export function unitRows(rows: readonly Float64Array[], center: readonly Float64Array[]): Float64Array[] {
  const mean = new Float64Array(rows[0]!.length);
  for (const row of center) for (let i = 0; i < row.length; i++) mean[i]! += row[i]! / center.length;
  return rows.map((row) => {
    const moved = row.map((value, i) => value - mean[i]!);
    let sum = 0;
    for (const value of moved) sum += value * value;
    const length = Math.sqrt(sum) || 1;
    return moved.map((value) => value / length);
  });
}

function cosines(query: Float64Array, rows: readonly Float64Array[]): { cosine: number; i: number }[] {
  const found = rows.map((row, i) => {
    let [even, odd] = [0, 0]; // two sums that do not wait for each other; lengths are even
    for (let k = 0; k < row.length; k += 2) {
      even += row[k]! * query[k]!;
      odd += row[k + 1]! * query[k + 1]!;
    }
    return { cosine: even + odd, i };
  });
  return found.sort((a, b) => b.cosine - a.cosine);
}

/** Features of unit length with their labels. */
export interface Labelled {
  rows: readonly Float64Array[];
  labels: ArrayLike<number>;
}

/** Share of the queries that the majority of their k nearest rows labels right. */
export function knnAccuracy(train: Labelled, test: Labelled, k = 10): number {
  const right = test.rows.filter((query, q) => {
    const votes = new Map<number, number>();
    for (const { i } of cosines(query, train.rows).slice(0, k)) {
      votes.set(train.labels[i]!, (votes.get(train.labels[i]!) ?? 0) + 1);
    }
    const most = Math.max(...votes.values());
    return [...votes].find(([, count]) => count === most)![0] === test.labels[q];
  });
  return right.length / test.rows.length;
}

/** Mean over queries of the average precision of all other rows, the query left out; ties count in their order. */
export function meanAveragePrecision({ rows, labels }: Labelled): number {
  const precisions = rows.map((query, q) => {
    let hits = 0;
    let sum = 0;
    let rank = 0;
    for (const { i } of cosines(query, rows)) {
      if (i === q) continue;
      rank++;
      if (labels[i] === labels[q]) sum += ++hits / rank;
    }
    return hits > 0 ? sum / hits : 0;
  });
  return precisions.reduce((a, b) => a + b, 0) / rows.length;
}
