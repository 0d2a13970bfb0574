// One family of matrix products: y = A·B, then an epilogue, for every layout and any size.
//   A is [m, k], stored [k, m] when TRANSPOSE_A; B is [k, n], stored [n, k] when TRANSPOSE_B; y [m, n]; batched by z,
//   and by y too where there are more matrices than a grid is deep (FOLDED).
// This file holds what all of the family share; a kernel takes one part of each kind (precision of the operands, operand A,
// operand B, row sums, bias, epilogue, store) and one of the methods matmulPlain, matmulRegister, matmulSubgroup,
// matmulWorkgroup and matmulTile.
// k may be cut into parts. Each value of y adds the products of a part in the order of k with fma, and then the parts in
// their order, whichever method computes it: the choice never changes a bit. The first three methods add the parts
// themselves; for the others each part is a matrix of the batch, which matmulParts adds up.
// RAGGED_K: k is no multiple of 4. PARTED: the method adds parts; where there is one alone, compilers drop the loop over them.
// Rows and columns beyond the edges hold anything and are never stored. Places in A and B are counted in units of
// UNIT_A and UNIT_B values and move along k by additions alone: address arithmetic costs as much as the products.

// part: family

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  batch_a: u32, // values from one matrix (or part) of the batch to the next; 0 shares one matrix
  batch_b: u32,
  batch: u32, // matrices
  rows: u32, // of the grid, for one matrix
  span: u32, // values of k in a part
  last: u32, // the same for the last matrix of the batch, where a part is a matrix
}

// What a workgroup works on: part number `part` of the matrix number `batch`, which may be one too many.
struct Place {
  part: u32,
  batch: u32,
}

fn place_of(group: vec3u, groups: vec3u) -> Place {
  if (FOLDED) {
    let layer = group.y / sizes.rows;
    return Place(group.x + group.y % sizes.rows * groups.x, layer * groups.z + group.z);
  }
  return Place(group.x + group.y * groups.x, group.z);
}

fn is_row(batch: u32, row: u32) -> bool {
  if (FOLDED && batch >= sizes.batch) {
    return false;
  }
  return row < sizes.m;
}

// Values of k that a matrix adds up, where a part is a matrix.
fn terms_of(batch: u32) -> u32 {
  return select(sizes.span, sizes.last, batch + 1u == sizes.batch);
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

// Column i holds A[row + i, k .. k + 3], found from `at` on; `left` values of k are left there.
fn tile_a(at: u32, row: u32, left: u32) -> mat4x4f {
  if (TRANSPOSE_A) {
    let next = sizes.m / UNIT_A;
    return transpose(mat4x4f(
      load_a(at, row, sizes.m, left > 0u),
      load_a(at + next, row, sizes.m, left > 1u),
      load_a(at + 2u * next, row, sizes.m, left > 2u),
      load_a(at + 3u * next, row, sizes.m, left > 3u),
    ));
  }
  let next = sizes.k / UNIT_A;
  return mat4x4f(
    load_a(at, 0u, left, true),
    load_a(at + next, 0u, left, true),
    load_a(at + 2u * next, 0u, left, true),
    load_a(at + 3u * next, 0u, left, true),
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

// Column i holds B[k + i, column .. column + 3], found from `at` on; `left` values of k are left there.
fn tile_b(at: u32, column: u32, left: u32) -> mat4x4f {
  if (TRANSPOSE_B) {
    let next = sizes.k / UNIT_B;
    return transpose(mat4x4f(
      load_b(at, 0u, left, true),
      load_b(at + next, 0u, left, true),
      load_b(at + 2u * next, 0u, left, true),
      load_b(at + 3u * next, 0u, left, true),
    ));
  }
  let next = sizes.n / UNIT_B;
  return mat4x4f(
    load_b(at, column, sizes.n, left > 0u),
    load_b(at + next, column, sizes.n, left > 1u),
    load_b(at + 2u * next, column, sizes.n, left > 2u),
    load_b(at + 3u * next, column, sizes.n, left > 3u),
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

// part: operands as they are

fn operand(x: vec4f) -> vec4f {
  return x;
}

// part: operands in f16
// Operands are rounded to f16: to the nearest of its normal values, ties to even, to zero below the least one, 2^-14, to
// infinity beyond the largest, 65504, NaN as well. Products of two f16 are exact in f32, and sums are f32. By the bits, since
// compilers leave a cast to f16 and back out, and quantizeToF16 costs software adapters twice the time to compile.

fn operand(x: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(x);
  let size = bits & vec4u(0x7fffffffu);
  let near = (size + 0xfffu + ((size >> vec4u(13u)) & vec4u(1u))) & vec4u(0xffffe000u);
  let finite = select(vec4u(0x7f800000u), near, near < vec4u(0x47800000u));
  let held = select(finite, vec4u(), size < vec4u(0x38800000u));
  return bitcast<vec4f>(held | (bits & vec4u(0x80000000u)));
}

// part: a by vectors
// Stored rows of A are a multiple of four values long: four values by one vector load. Where k is ragged, rows that are not
// `inside` count as zeros; elsewhere nothing uses them.

const UNIT_A = 4u;

@group(0) @binding(1) var<storage, read> a: array<vec4f>;

fn load_a(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  if (RAGGED_K) {
    return select(vec4f(), operand(a[at]), inside);
  }
  return operand(a[at]);
}

// One value, counted in values.
fn value_a(i: u32) -> f32 {
  return operand(vec4f(a[i / 4u][i % 4u])).x;
}

// part: a by values
// Stored rows of A of any length: four values one by one. Columns beyond the row, and rows that are not `inside`, count as
// zeros.

const UNIT_A = 1u;

@group(0) @binding(1) var<storage, read> a: array<f32>;

fn load_a(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  let value = operand(vec4f(a[at], a[at + 1u], a[at + 2u], a[at + 3u]));
  let c = column + vec4u(0u, 1u, 2u, 3u);
  return select(vec4f(), value, (c < vec4u(columns)) & vec4<bool>(inside));
}

// One value.
fn value_a(i: u32) -> f32 {
  return operand(vec4f(a[i])).x;
}

// part: b by vectors
// As for A.

const UNIT_B = 4u;

@group(0) @binding(2) var<storage, read> b: array<vec4f>;

fn load_b(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  if (RAGGED_K) {
    return select(vec4f(), operand(b[at]), inside);
  }
  return operand(b[at]);
}

// One value, counted in values.
fn value_b(i: u32) -> f32 {
  return operand(vec4f(b[i / 4u][i % 4u])).x;
}

// part: b by values
// As for A.

const UNIT_B = 1u;

@group(0) @binding(2) var<storage, read> b: array<f32>;

fn load_b(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  let value = operand(vec4f(b[at], b[at + 1u], b[at + 2u], b[at + 3u]));
  let c = column + vec4u(0u, 1u, 2u, 3u);
  return select(vec4f(), value, (c < vec4u(columns)) & vec4<bool>(inside));
}

// One value.
fn value_b(i: u32) -> f32 {
  return operand(vec4f(b[i])).x;
}

// part: row sums
// Sums of A's rows, taken along with the product: the gradient of a bias beside that of its weight.

@group(0) @binding(6) var<storage, read_write> row_sums: array<f32>;

fn store_row_sum(batch: u32, row: u32, value: f32) {
  if (is_row(batch, row)) {
    row_sums[batch * sizes.m + row] = value;
  }
}

// part: no row sums

fn store_row_sum(batch: u32, row: u32, value: f32) {
}

// part: bias
// By column; it is added before the epilogue.

@group(0) @binding(4) var<storage, read> bias: array<f32>;

fn bias_at(column: u32) -> vec4f {
  let last = sizes.n - 1u;
  let c = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(last));
  return vec4f(bias[c.x], bias[c.y], bias[c.z], bias[c.w]);
}

// part: no bias

fn bias_at(column: u32) -> vec4f {
  return vec4f();
}

// part: store by vectors
// Rows of y a multiple of four values long: four values at once, after the epilogue, for which `at` is the index of the
// vector in y.

@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn store(batch: u32, row: u32, column: u32, value: vec4f) {
  if (is_row(batch, row) && column < sizes.n) {
    let at = ((batch * sizes.m + row) * sizes.n + column) / 4u;
    y[at] = epilogue(at, value);
  }
}

// part: store by values
// Rows of y of any length: four values one by one, without an epilogue.

@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn store(batch: u32, row: u32, column: u32, value: vec4f) {
  if (is_row(batch, row)) {
    let at = (batch * sizes.m + row) * sizes.n + column;
    for (var i = 0u; i < 4u && column + i < sizes.n; i++) {
      y[at + i] = value[i];
    }
  }
}

// part: as it is
// Epilogue: none.

fn epilogue(at: u32, product: vec4f) -> vec4f {
  return product;
}

// part: residual
// Epilogue: y = residual + (product + bias).

@group(0) @binding(5) var<storage, read> residual: array<vec4f>;

fn epilogue(at: u32, product: vec4f) -> vec4f {
  return residual[at] + product;
}

// part: gelu
// Epilogue: x = product + bias is kept for backward, y = gelu(x). Needs activation.wgsl.

@group(0) @binding(5) var<storage, read_write> before: array<vec4f>;

fn epilogue(at: u32, product: vec4f) -> vec4f {
  before[at] = product;
  return activation(product);
}

// part: gelu slope
// Epilogue of the backward of GELU: y = product · gelu'(x), and gelu(x), which was not kept, once more.
// Needs activation.wgsl.

@group(0) @binding(5) var<storage, read> before: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> activated: array<vec4f>;

fn epilogue(at: u32, product: vec4f) -> vec4f {
  let x = before[at];
  activated[at] = activation(x);
  return product * activation_slope(x);
}
