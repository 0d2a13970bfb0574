// One family of matrix products: y = A·B, then an epilogue, for every layout and any size.
//   A is [m, k], stored [k, m] when TRANSPOSE_A; B is [k, n], stored [n, k] when TRANSPOSE_B; y [m, n]; batched by z.
// This file holds what the kernels of the family share (matmulPlain, matmulRegister, matmulSubgroup, matmulWorkgroup). Each
// value of y adds its products in the order of k with fma, whichever kernel computes it: the choice never changes a bit.
// RAGGED_K: k is no multiple of 4. Needs matmulOperandA*.wgsl, matmulOperandB*.wgsl, matmulStore*.wgsl and an epilogue.
// Rows and columns beyond the edges hold anything and are never stored. Places in A and B are counted in units of
// UNIT_A and UNIT_B values and move along k by additions alone: address arithmetic costs as much as the products.

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  batch_a: u32, // values from one matrix of the batch to the next; 0 shares one matrix
  batch_b: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

// Where the tile of A begins that holds four rows from `row` on.
fn start_a(batch: u32, row: u32) -> u32 {
  return (batch * sizes.batch_a + row * select(sizes.k, 1u, TRANSPOSE_A)) / UNIT_A;
}

// How far it is to the tile four values of k further.
fn step_a() -> u32 {
  return 4u * select(1u, sizes.m, TRANSPOSE_A) / UNIT_A;
}

// Column i holds A[row + i, k .. k + 3], found from `at` on.
fn tile_a(at: u32, row: u32, k: u32) -> mat4x4f {
  if (TRANSPOSE_A) {
    let next = sizes.m / UNIT_A;
    return transpose(mat4x4f(
      load_a(at, row, sizes.m, k < sizes.k),
      load_a(at + next, row, sizes.m, k + 1u < sizes.k),
      load_a(at + 2u * next, row, sizes.m, k + 2u < sizes.k),
      load_a(at + 3u * next, row, sizes.m, k + 3u < sizes.k),
    ));
  }
  let next = sizes.k / UNIT_A;
  return mat4x4f(
    load_a(at, k, sizes.k, true),
    load_a(at + next, k, sizes.k, true),
    load_a(at + 2u * next, k, sizes.k, true),
    load_a(at + 3u * next, k, sizes.k, true),
  );
}

// Where the tile of B begins that holds four columns from `column` on.
fn start_b(batch: u32, column: u32) -> u32 {
  return (batch * sizes.batch_b + column * select(1u, sizes.k, TRANSPOSE_B)) / UNIT_B;
}

// How far it is to the tile four values of k further.
fn step_b() -> u32 {
  return 4u * select(sizes.n, 1u, TRANSPOSE_B) / UNIT_B;
}

// Column i holds B[k + i, column .. column + 3], found from `at` on.
fn tile_b(at: u32, column: u32, k: u32) -> mat4x4f {
  if (TRANSPOSE_B) {
    let next = sizes.k / UNIT_B;
    return transpose(mat4x4f(
      load_b(at, k, sizes.k, true),
      load_b(at + next, k, sizes.k, true),
      load_b(at + 2u * next, k, sizes.k, true),
      load_b(at + 3u * next, k, sizes.k, true),
    ));
  }
  let next = sizes.n / UNIT_B;
  return mat4x4f(
    load_b(at, column, sizes.n, k < sizes.k),
    load_b(at + next, column, sizes.n, k + 1u < sizes.k),
    load_b(at + 2u * next, column, sizes.n, k + 2u < sizes.k),
    load_b(at + 3u * next, column, sizes.n, k + 3u < sizes.k),
  );
}

// One row of y, four columns: four more products of each.
fn step_row(a: vec4f, b: mat4x4f, sum: vec4f) -> vec4f {
  return fma(vec4f(a.w), b[3], fma(vec4f(a.z), b[2], fma(vec4f(a.y), b[1], fma(vec4f(a.x), b[0], sum))));
}

// Sums of four rows of A, given as columns, four values of k further.
fn sum_rows(a: mat4x4f, sums: vec4f) -> vec4f {
  let by_k = transpose(a);
  return (((sums + by_k[0]) + by_k[1]) + by_k[2]) + by_k[3];
}
