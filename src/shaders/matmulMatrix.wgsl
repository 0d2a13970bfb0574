// The matrix product by subgroup matrices (tensor cores), operands rounded to f16, sums in f32: four subgroups of LANES lanes
// compute ROWS x COLUMNS values, a quarter each, from matrices of MATRIX_M x MATRIX_N x MATRIX_K. Needs matmul.wgsl.
// - Tiles of A and B, DEPTH values of k deep, are rounded on their way into workgroup memory, as they are stored: a line of a
//   tile runs along k, or along the rows (columns) of a transposed A (plain B). What lies beyond k is zero there.
// - While one pair of tiles is multiplied, the next one is fetched into registers.
// - A quarter has TALL x WIDE matrices of sums, each a variable of its own ($repeat, engine/gpu/kernel.ts).
// - Sums leave through workgroup memory, one row of matrices after the other: for rows of any length and every epilogue.

alias Left = subgroup_matrix_left<f16, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<f16, MATRIX_N, MATRIX_K>;
alias Sums = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

const THREADS = 4u * LANES;
const HALF = COLUMNS / 2u;
const VECTORS_A = select(DEPTH, ROWS, TRANSPOSE_A) / 4u; // of a line, and from line to line: banks differ
const VECTORS_B = select(COLUMNS, DEPTH, TRANSPOSE_B) / 4u;
const STRIDE_A = VECTORS_A + 2u;
const STRIDE_B = VECTORS_B + 2u;
const STRIDE_Y = HALF + 4u;

var<workgroup> shared_a: array<vec4<f16>, ROWS * DEPTH / 4u / VECTORS_A * STRIDE_A>;
var<workgroup> shared_b: array<vec4<f16>, COLUMNS * DEPTH / 4u / VECTORS_B * STRIDE_B>;
var<workgroup> shared_y: array<f32, 4u * MATRIX_M * STRIDE_Y>; // a row of matrices for each quarter

// Vector number i of the tile of A that begins at this row and value of k.
fn fetch_a(batch: u32, first_row: u32, first_k: u32, terms: u32, i: u32) -> vec4f {
  let line = i / VECTORS_A;
  let along = i % VECTORS_A * 4u;
  let row = first_row + select(line, along, TRANSPOSE_A);
  let k = first_k + select(along, line, TRANSPOSE_A);
  let at = (batch * sizes.batch_a + select(row * sizes.k + k, k * sizes.m + row, TRANSPOSE_A)) / UNIT_A;
  let value = load_a(at, select(0u, row, TRANSPOSE_A), select(terms - k, sizes.m, TRANSPOSE_A), true);
  return select(vec4f(), value, k < terms);
}

fn fetch_b(batch: u32, first_column: u32, first_k: u32, terms: u32, i: u32) -> vec4f {
  let line = i / VECTORS_B;
  let along = i % VECTORS_B * 4u;
  let column = first_column + select(along, line, TRANSPOSE_B);
  let k = first_k + select(line, along, TRANSPOSE_B);
  let at = (batch * sizes.batch_b + select(k * sizes.n + column, column * sizes.k + k, TRANSPOSE_B)) / UNIT_B;
  let value = load_b(at, select(column, 0u, TRANSPOSE_B), select(sizes.n, terms - k, TRANSPOSE_B), true);
  return select(vec4f(), value, k < terms);
}

fn share_a(i: u32, value: vec4f) {
  shared_a[i / VECTORS_A * STRIDE_A + i % VECTORS_A] = vec4<f16>(value);
}

fn share_b(i: u32, value: vec4f) {
  shared_b[i / VECTORS_B * STRIDE_B + i % VECTORS_B] = vec4<f16>(value);
}

// The matrix of the shared tile that begins at this row (column) and value of k.
fn left_matrix(row: u32, k: u32) -> Left {
  if (TRANSPOSE_A) {
    return subgroupMatrixLoad<Left, col_major>(&shared_a, k * STRIDE_A + row / 4u, STRIDE_A);
  }
  return subgroupMatrixLoad<Left, row_major>(&shared_a, row * STRIDE_A + k / 4u, STRIDE_A);
}

fn right_matrix(column: u32, k: u32) -> Right {
  if (TRANSPOSE_B) {
    return subgroupMatrixLoad<Right, col_major>(&shared_b, column * STRIDE_B + k / 4u, STRIDE_B);
  }
  return subgroupMatrixLoad<Right, row_major>(&shared_b, k * STRIDE_B + column / 4u, STRIDE_B);
}

// Stores a quarter's row of matrices, which begins at `at` of shared_y.
fn store_matrices(batch: u32, row: u32, column: u32, at: u32, lane: u32) {
  for (var i = lane; i < MATRIX_M * HALF / 4u; i += LANES) {
    let down = i / (HALF / 4u);
    let along = i % (HALF / 4u) * 4u;
    let first = at + down * STRIDE_Y + along;
    let value = vec4f(shared_y[first], shared_y[first + 1u], shared_y[first + 2u], shared_y[first + 3u]);
    store(batch, row + down, column + along, value + bias_at(column + along));
  }
}

@compute @workgroup_size(THREADS)
fn matmul_matrix(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let tiles_n = (sizes.n + COLUMNS - 1u) / COLUMNS;
  let place = place_of(group, groups);
  let batch = place.batch;
  let first_row = place.part / tiles_n * ROWS;
  let first_column = place.part % tiles_n * COLUMNS;
  let terms = terms_of(batch);
  let quarter = index / LANES;
  let lane = index % LANES;
  let row = quarter / 2u * (ROWS / 2u); // of the quarter in the tile
  let column = quarter % 2u * HALF;
  let sums_here = ROW_SUMS && first_column == 0u;
  $repeat(i, TALL)
  var row_sums$i = Sums();
  $repeat(j, WIDE)
  var y$i_$j = Sums();
  $end
  $end
  $repeat(f, FETCHES_A)
  var next_a$f = fetch_a(batch, first_row, 0u, terms, index + $fu * THREADS);
  $end
  $repeat(f, FETCHES_B)
  var next_b$f = fetch_b(batch, first_column, 0u, terms, index + $fu * THREADS);
  $end
  for (var k = 0u; k < terms; k += DEPTH) {
    workgroupBarrier();
    $repeat(f, FETCHES_A)
    share_a(index + $fu * THREADS, next_a$f);
    $end
    $repeat(f, FETCHES_B)
    share_b(index + $fu * THREADS, next_b$f);
    $end
    workgroupBarrier();
    $repeat(f, FETCHES_A)
    next_a$f = fetch_a(batch, first_row, k + DEPTH, terms, index + $fu * THREADS);
    $end
    $repeat(f, FETCHES_B)
    next_b$f = fetch_b(batch, first_column, k + DEPTH, terms, index + $fu * THREADS);
    $end
    $repeat(d, DEEP)
    {
      $repeat(i, TALL)
      let a$i = left_matrix(row + $iu * MATRIX_M, $du * MATRIX_K);
      $end
      $repeat(j, WIDE)
      let b$j = right_matrix(column + $ju * MATRIX_N, $du * MATRIX_K);
      $repeat(i, TALL)
      y$i_$j = subgroupMatrixMultiplyAccumulate(a$i, b$j, y$i_$j);
      $end
      $end
      if (sums_here) {
        let ones = Right(1.0h);
        $repeat(i, TALL)
        row_sums$i = subgroupMatrixMultiplyAccumulate(a$i, ones, row_sums$i);
        $end
      }
    }
    $end
  }
  let mine = quarter * MATRIX_M * STRIDE_Y;
  $repeat(i, TALL)
  $repeat(j, WIDE)
  subgroupMatrixStore<row_major>(&shared_y, mine + $ju * MATRIX_N, y$i_$j, STRIDE_Y);
  $end
  workgroupBarrier();
  store_matrices(batch, first_row + row + $iu * MATRIX_M, first_column + column, mine, lane);
  workgroupBarrier();
  if (sums_here) {
    subgroupMatrixStore<row_major>(&shared_y, mine, row_sums$i, STRIDE_Y);
    workgroupBarrier();
    for (var down = lane; column == 0u && down < MATRIX_M; down += LANES) {
      store_row_sum(batch, first_row + row + $iu * MATRIX_M + down, shared_y[mine + down * STRIDE_Y]);
    }
    workgroupBarrier();
  }
  $end
}
