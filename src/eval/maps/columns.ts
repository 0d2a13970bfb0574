/** Some columns of rows [count, dim], `width` of them from `first` on; what else the rows have stays. */
export function columns<R extends { values: Float32Array; dim: number }>(
  rows: R,
  first: number,
  width: number,
): R {
  const { values, dim } = rows;
  if (width === dim) return rows;
  const count = values.length / dim;
  const part = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const start = row * dim + first;
    part.set(values.subarray(start, start + width), row * width);
  }
  return { ...rows, values: part, dim: width };
}
