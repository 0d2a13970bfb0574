// Where a matrix product puts four values of a row at once, rows a multiple of four long; an epilogue sees them first:
// fn epilogue(at: u32, product: vec4f) -> vec4f, `at` being the index of the vector in y.

@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn store(batch: u32, row: u32, column: u32, value: vec4f) {
  if (row < sizes.m && column < sizes.n) {
    let at = ((batch * sizes.m + row) * sizes.n + column) / 4u;
    y[at] = epilogue(at, value);
  }
}
