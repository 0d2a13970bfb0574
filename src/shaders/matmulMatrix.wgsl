// The matrix product by subgroup matrices (tensor cores): f16 operands, f32 sums. Four times LANES lanes compute ROWS x COLUMNS
// values, a quarter of them each LANES lanes that multiply matrices of MATRIX_M x MATRIX_N x MATRIX_K together. Tiles of A
// and B, DEPTH values of k deep, are rounded to f16 on their way into workgroup memory, as they are stored: a line of A's
// tile runs along k, or along the rows of a transposed A. While one pair of tiles is multiplied, the next is fetched.
// Results leave through workgroup memory, so that rows of any length and every epilogue are possible.
// A quarter has TALL x WIDE matrices, a tile is DEEP of them deep; each is a variable of its own ($repeat, kernel.ts).
// Needs matmul.wgsl. What lies beyond k is zero; rows and columns beyond the edges hold anything and are never stored.

alias Left = subgroup_matrix_left<f16, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<f16, MATRIX_N, MATRIX_K>;
alias Result = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

const THREADS = 4u * LANES;
const DEPTH = MATRIX_K * DEEP;
const LENGTH_A = select(DEPTH, ROWS, TRANSPOSE_A);
const LENGTH_B = select(COLUMNS, DEPTH, TRANSPOSE_B);
const STRIDE_A = LENGTH_A / 4u + 2u; // vectors from line to line: banks differ
const STRIDE_B = LENGTH_B / 4u + 2u;
const HALF = COLUMNS / 2u;
const STRIDE_Y = HALF + 4u;

var<workgroup> staged_a: array<vec4<f16>, ROWS * DEPTH / LENGTH_A * STRIDE_A>;
var<workgroup> staged_b: array<vec4<f16>, COLUMNS * DEPTH / LENGTH_B * STRIDE_B>;
// For each quarter one row of its matrices.
var<workgroup> results: array<f32, 4u * MATRIX_M * STRIDE_Y>;

// Vector number i of the tile of A that begins at this row and this k of `terms`; `start` is where the matrix begins.
fn fetch_a(start: u32, first_row: u32, first_k: u32, terms: u32, i: u32) -> vec4f {
  let line = i / (LENGTH_A / 4u);
  let along = i % (LENGTH_A / 4u) * 4u;
  let row = first_row + select(line, along, TRANSPOSE_A);
  let k = first_k + select(along, line, TRANSPOSE_A);
  let place = select(row * sizes.k + k, k * sizes.m + row, TRANSPOSE_A);
  let value = load_a((start + place) / UNIT_A, select(k, row, TRANSPOSE_A), select(terms, sizes.m, TRANSPOSE_A), true);
  return select(vec4f(), value, k < terms);
}

fn fetch_b(start: u32, first_column: u32, first_k: u32, terms: u32, i: u32) -> vec4f {
  let line = i / (LENGTH_B / 4u);
  let along = i % (LENGTH_B / 4u) * 4u;
  let column = first_column + select(along, line, TRANSPOSE_B);
  let k = first_k + select(line, along, TRANSPOSE_B);
  let place = select(k * sizes.n + column, column * sizes.k + k, TRANSPOSE_B);
  let value = load_b((start + place) / UNIT_B, select(column, k, TRANSPOSE_B), select(sizes.n, terms, TRANSPOSE_B), true);
  return select(vec4f(), value, k < terms);
}

// Where vector number i of a tile is kept.
fn kept_a(i: u32) -> u32 {
  return i / (LENGTH_A / 4u) * STRIDE_A + i % (LENGTH_A / 4u);
}

fn kept_b(i: u32) -> u32 {
  return i / (LENGTH_B / 4u) * STRIDE_B + i % (LENGTH_B / 4u);
}

// The matrices of the staged tiles that begin at this row or column and this k.
fn left_matrix(row: u32, k: u32) -> Left {
  if (TRANSPOSE_A) {
    return subgroupMatrixLoad<Left, col_major>(&staged_a, k * STRIDE_A + row / 4u, STRIDE_A);
  }
  return subgroupMatrixLoad<Left, row_major>(&staged_a, row * STRIDE_A + k / 4u, STRIDE_A);
}

fn right_matrix(column: u32, k: u32) -> Right {
  if (TRANSPOSE_B) {
    return subgroupMatrixLoad<Right, col_major>(&staged_b, column * STRIDE_B + k / 4u, STRIDE_B);
  }
  return subgroupMatrixLoad<Right, row_major>(&staged_b, k * STRIDE_B + column / 4u, STRIDE_B);
}

// Stores one row of a quarter's matrices from `results`, where it begins at `at`.
fn store_results(batch: u32, row: u32, column: u32, at: u32, lane: u32) {
  for (var i = lane; i < MATRIX_M * HALF / 4u; i += LANES) {
    let down = i / (HALF / 4u);
    let along = i % (HALF / 4u) * 4u;
    let first = at + down * STRIDE_Y + along;
    let value = vec4f(results[first], results[first + 1u], results[first + 2u], results[first + 3u]);
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
  let first_row = place.part / tiles_n * ROWS;
  let first_column = place.part % tiles_n * COLUMNS;
  let terms = terms_of(place.batch);
  let start_a = place.batch * sizes.batch_a;
  let start_b = place.batch * sizes.batch_b;
  // This quarter's rows and columns of the tile.
  let quarter = index / LANES;
  let lane = index % LANES;
  let row = quarter / 2u * (ROWS / 2u);
  let column = quarter % 2u * HALF;
  let sums_here = ROW_SUMS && first_column == 0u;
  $repeat(i, TALL)
  $repeat(j, WIDE)
  var y$i_$j = Result();
  $end
  var sums$i = Result();
  $end
  $repeat(f, SHARE_A)
  var next_a$f = fetch_a(start_a, first_row, 0u, terms, index + $fu * THREADS);
  $end
  $repeat(f, SHARE_B)
  var next_b$f = fetch_b(start_b, first_column, 0u, terms, index + $fu * THREADS);
  $end
  for (var k = 0u; k < terms; k += DEPTH) {
    workgroupBarrier();
    $repeat(f, SHARE_A)
    staged_a[kept_a(index + $fu * THREADS)] = vec4<f16>(next_a$f);
    $end
    $repeat(f, SHARE_B)
    staged_b[kept_b(index + $fu * THREADS)] = vec4<f16>(next_b$f);
    $end
    workgroupBarrier();
    $repeat(f, SHARE_A)
    next_a$f = fetch_a(start_a, first_row, k + DEPTH, terms, index + $fu * THREADS);
    $end
    $repeat(f, SHARE_B)
    next_b$f = fetch_b(start_b, first_column, k + DEPTH, terms, index + $fu * THREADS);
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
        sums$i = subgroupMatrixMultiplyAccumulate(a$i, ones, sums$i);
        $end
      }
    }
    $end
  }
  let mine = quarter * MATRIX_M * STRIDE_Y;
  $repeat(i, TALL)
  $repeat(j, WIDE)
  subgroupMatrixStore<row_major>(&results, mine + $ju * MATRIX_N, y$i_$j, STRIDE_Y);
  $end
  workgroupBarrier();
  store_results(place.batch, first_row + row + $iu * MATRIX_M, first_column + column, mine, lane);
  workgroupBarrier();
  if (sums_here) {
    subgroupMatrixStore<row_major>(&results, mine, sums$i, STRIDE_Y);
    workgroupBarrier();
    for (var down = lane; column == 0u && down < MATRIX_M; down += LANES) {
      store_row_sum(place.batch, first_row + row + $iu * MATRIX_M + down, results[mine + down * STRIDE_Y]);
    }
    workgroupBarrier();
  }
  $end
}
