// Sums of A's rows, taken along with a product: the gradient of a bias beside that of its weight.

@group(0) @binding(6) var<storage, read_write> row_sums: array<f32>;

fn store_row_sum(batch: u32, row: u32, value: f32) {
  if (row < sizes.m) {
    row_sums[batch * sizes.m + row] = value;
  }
}
