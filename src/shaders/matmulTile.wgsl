// The matrix product by large tiles, for GPUs: THREADS threads compute TILE_M x TILE_N values, ROWS x COLUMNS each, from
// tiles of A and B, DEPTH values of k deep, in workgroup memory. Needs matmul.wgsl.
// - A thread keeps its sums in registers, as vectors along a row: one vector of A and one of B are four times four sums. Each
//   is a variable of its own ($repeat, kernel.ts): beside an epilogue of some length a compiler no longer unrolls the loops
//   over an array of them and keeps it in memory, ten times as slow.
// - Tiles are arrays of arrays with one changing index each, so that address and bounds check leave the inner loop.
// - A thread fetches blocks of 4 x 4 values and turns them in registers; it has fetched those of the next tiles before it
//   multiplies the present ones. Eight lanes in a row fetch eight blocks that lie side by side in the tile, and the next
//   eight what follows along k: so a warp stores without conflicts and reads whole lines, whichever way a matrix is stored.
// - The 32 lanes of a warp compute eight quads of rows by four of columns, so they share most of what they read.
// A thread has QUADS_M quads of rows and QUADS_N of columns, Y and X quads apart, and fetches FETCHES blocks.

const X = TILE_N / COLUMNS; // threads across the tile, and down
const Y = TILE_M / ROWS;
const THREADS = X * Y;
const DEEP = DEPTH / 4u; // blocks along k
const BLOCKS_A = TILE_M / 4u * DEEP; // blocks are numbered through: those of A, then those of B
const BLOCKS = BLOCKS_A + TILE_N / 4u * DEEP;

// Vector [k][p][y] holds A[4 (p Y + y) .. + 3, k], vector [k][q][x] B[k, 4 (q X + x) .. + 3].
var<workgroup> shared_a: array<array<array<vec4f, Y>, QUADS_M>, DEPTH>;
var<workgroup> shared_b: array<array<array<vec4f, X>, QUADS_N>, DEPTH>;

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
  if (block < BLOCKS_A) {
    let quad = across(block);
    let k = down(block) * 4u;
    $repeat(i, 4)
    shared_a[k + $iu][quad / Y][quad % Y] = values[$i];
    $end
  } else if (block < BLOCKS) {
    let quad = across(block - BLOCKS_A);
    let k = down(block - BLOCKS_A) * 4u;
    $repeat(i, 4)
    shared_b[k + $iu][quad / X][quad % X] = values[$i];
    $end
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
  $repeat(p, QUADS_M)
  var sums$p = vec4f();
  $repeat(r, 4)
  $repeat(q, QUADS_N)
  var y$p_$r_$q = vec4f();
  $end
  $end
  $end
  $repeat(f, FETCHES)
  var next$f = fetch(batch, row, column, 0u, terms, index + $fu * THREADS);
  $end
  for (var k = 0u; k < terms; k += DEPTH) {
    workgroupBarrier();
    $repeat(f, FETCHES)
    share(index + $fu * THREADS, next$f);
    $end
    workgroupBarrier();
    $repeat(f, FETCHES)
    next$f = fetch(batch, row, column, k + DEPTH, terms, index + $fu * THREADS);
    $end
    $repeat(d, DEPTH)
    {
      $repeat(p, QUADS_M)
      let a$p = shared_a[$d][$p][y];
      $end
      $repeat(q, QUADS_N)
      let b$q = shared_b[$d][$q][x];
      $end
      $repeat(p, QUADS_M)
      $repeat(r, 4)
      $repeat(q, QUADS_N)
      y$p_$r_$q = fma(vec4f(a$p[$r]), b$q, y$p_$r_$q);
      $end
      $end
      $end
    }
    $end
    if (sums_here) {
      for (var d = 0u; d < DEPTH; d++) {
        $repeat(p, QUADS_M)
        sums$p += shared_a[d][$p][y];
        $end
      }
    }
  }
  $repeat(q, QUADS_N)
  {
    let to_column = column + ($qu * X + x) * 4u;
    let offset = bias_at(to_column);
    $repeat(p, QUADS_M)
    $repeat(r, 4)
    store(batch, row + ($pu * Y + y) * 4u + $ru, to_column, y$p_$r_$q + offset);
    $end
    $end
  }
  $end
  if (sums_here) {
    $repeat(p, QUADS_M)
    $repeat(r, 4)
    store_row_sum(batch, row + ($pu * Y + y) * 4u + $ru, sums$p[$r]);
    $end
    $end
  }
}
