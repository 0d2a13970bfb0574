// Where a matrix product puts four values of a row one by one, rows of any length.

@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn store(batch: u32, row: u32, column: u32, value: vec4f) {
  if (row < sizes.m) {
    let at = (batch * sizes.m + row) * sizes.n + column;
    for (var i = 0u; i < 4u && column + i < sizes.n; i++) {
      y[at + i] = value[i];
    }
  }
}
