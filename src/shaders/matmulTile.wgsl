// The matrix product by large tiles, for GPUs: THREADS threads compute TILE_M x TILE_N values, ROWS x COLUMNS each, from
// tiles of A and B, DEPTH values of k deep, in workgroup memory. Needs matmul.wgsl.
// - A thread keeps its sums in registers, as vectors along a row: one vector of A and one of B are four times four sums.
// - Tiles are arrays of arrays with one changing index each, so that address and bounds check leave the inner loop.
// - A thread fetches blocks of 4 x 4 values and turns them in registers; it has fetched those of the next tiles before it
//   multiplies the present ones. Eight lanes in a row fetch eight blocks that lie side by side in the tile, and the next
//   eight what follows along k: so a warp stores without conflicts and reads whole lines, whichever way a matrix is stored.
// - The 32 lanes of a warp compute eight quads of rows by four of columns, so they share most of what they read.

const X = TILE_N / COLUMNS; // threads across the tile, and down
const Y = TILE_M / ROWS;
const THREADS = X * Y;
const QUADS_M = ROWS / 4u; // of a thread, Y (or X) quads apart
const QUADS_N = COLUMNS / 4u;
const DEEP = DEPTH / 4u; // blocks along k
const BLOCKS_A = TILE_M / 4u * DEEP; // blocks are numbered through: those of A, then those of B
const BLOCKS = BLOCKS_A + TILE_N / 4u * DEEP;
const FETCHES = (BLOCKS + THREADS - 1u) / THREADS;

// Vector [d][i][p][y] holds A[4 (p Y + y) .. + 3, 4 d + i], vector [d][i][q][x] B[4 d + i, 4 (q X + x) .. + 3].
var<workgroup> shared_a: array<array<array<array<vec4f, Y>, QUADS_M>, 4>, DEEP>;
var<workgroup> shared_b: array<array<array<array<vec4f, X>, QUADS_N>, 4>, DEEP>;

// Where a block of a tile lies: quad of rows or columns, quad of k.
fn across(block: u32) -> u32 {
  return block / (8u * DEEP) * 8u + block % 8u;
}

fn down(block: u32) -> u32 {
  return block / 8u % DEEP;
}

// A block of the tiles whose first row, column and value of k are given; vector i has the value k + i of each row or column.
fn fetch(batch: u32, row: u32, column: u32, k: u32, terms: u32, block: u32) -> mat4x4f {
  if (block < BLOCKS_A) {
    let first = row + across(block) * 4u;
    let at = k + down(block) * 4u;
    if (first < sizes.m && at < terms) {
      return transpose(tile_a(start_a(batch, first) + at / 4u * step_a(), first, terms - at));
    }
  } else if (block < BLOCKS) {
    let first = column + across(block - BLOCKS_A) * 4u;
    let at = k + down(block - BLOCKS_A) * 4u;
    if (first < sizes.n && at < terms) {
      return tile_b(start_b(batch, first) + at / 4u * step_b(), first, terms - at);
    }
  }
  return mat4x4f();
}

fn share(block: u32, values: mat4x4f) {
  var vectors = values;
  if (block < BLOCKS_A) {
    let quad = across(block);
    for (var i = 0u; i < 4u; i++) {
      shared_a[down(block)][i][quad / Y][quad % Y] = vectors[i];
    }
  } else if (block < BLOCKS) {
    let quad = across(block - BLOCKS_A);
    for (var i = 0u; i < 4u; i++) {
      shared_b[down(block - BLOCKS_A)][i][quad / X][quad % X] = vectors[i];
    }
  }
}

@compute @workgroup_size(THREADS)
fn matmul_tile(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let tiles_n = (sizes.n + TILE_N - 1u) / TILE_N;
  let place = place_of(group, groups);
  let batch = place.batch;
  let row = place.part / tiles_n * TILE_M;
  let column = place.part % tiles_n * TILE_N;
  let terms = terms_of(batch);
  let warp = index / 32u;
  let lane = index % 32u;
  let x = warp % (X / 4u) * 4u + lane % 4u;
  let y = warp / (X / 4u) * 8u + lane / 4u;
  let sums_here = ROW_SUMS && column == 0u && x == 0u;
  var acc: array<array<vec4f, QUADS_N>, ROWS>;
  var sums: array<vec4f, QUADS_M>;
  var next: array<mat4x4f, FETCHES>;
  for (var f = 0u; f < FETCHES; f++) {
    next[f] = fetch(batch, row, column, 0u, terms, index + f * THREADS);
  }
  for (var k = 0u; k < terms; k += DEPTH) {
    workgroupBarrier();
    for (var f = 0u; f < FETCHES; f++) {
      share(index + f * THREADS, next[f]);
    }
    workgroupBarrier();
    for (var f = 0u; f < FETCHES; f++) {
      next[f] = fetch(batch, row, column, k + DEPTH, terms, index + f * THREADS);
    }
    for (var d = 0u; d < DEEP; d++) {
      for (var i = 0u; i < 4u; i++) {
        var b: array<vec4f, QUADS_N>;
        for (var q = 0u; q < QUADS_N; q++) {
          b[q] = shared_b[d][i][q][x];
        }
        for (var p = 0u; p < QUADS_M; p++) {
          let a = shared_a[d][i][p][y];
          for (var r = 0u; r < 4u; r++) {
            for (var q = 0u; q < QUADS_N; q++) {
              acc[p * 4u + r][q] = fma(vec4f(a[r]), b[q], acc[p * 4u + r][q]);
            }
          }
        }
      }
    }
    if (sums_here) {
      for (var d = 0u; d < DEEP; d++) {
        for (var i = 0u; i < 4u; i++) {
          for (var p = 0u; p < QUADS_M; p++) {
            sums[p] += shared_a[d][i][p][y];
          }
        }
      }
    }
  }
  for (var q = 0u; q < QUADS_N; q++) {
    let to_column = column + (q * X + x) * 4u;
    let offset = bias_at(to_column);
    for (var p = 0u; p < QUADS_M; p++) {
      for (var r = 0u; r < 4u; r++) {
        let to_row = row + (p * Y + y) * 4u + r;
        store(batch, to_row, to_column, acc[p * 4u + r][q] + offset);
        if (sums_here && q == 0u) {
          store_row_sum(batch, to_row, sums[p][r]);
        }
      }
    }
  }
}
