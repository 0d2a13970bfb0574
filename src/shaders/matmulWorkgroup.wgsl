// The matrix product by workgroup memory, for GPUs: 8 x 8 threads compute SIDE x SIDE values, MICRO x MICRO each
// (SIDE = 8·MICRO, MICRO 4 or 8), from tiles of A and B that all of them share. While one pair of tiles is multiplied,
// each thread already holds its blocks of the next pair in registers. Needs matmul.wgsl.

const SIDE = 8u * MICRO;
const ACROSS = SIDE / 4u; // blocks of four, and vectors, along a side
const DEPTH = 256u / ACROSS; // values of k in a tile: 64 threads hold one block of 4 x 4 each
const QUADS = MICRO / 4u;

// Vector (k, i) holds A[4 i .. 4 i + 3, k], or B[k, 4 i .. 4 i + 3].
var<workgroup> tiles_a: array<vec4f, DEPTH * ACROSS>;
var<workgroup> tiles_b: array<vec4f, DEPTH * ACROSS>;

fn block_of_a(start: u32, row: u32, k: u32, terms: u32) -> mat4x4f {
  if (k < terms && row < sizes.m) {
    return transpose(tile_a(start + k / 4u * step_a(), row, terms - k));
  }
  return mat4x4f();
}

fn block_of_b(start: u32, column: u32, k: u32, terms: u32) -> mat4x4f {
  if (k < terms && column < sizes.n) {
    return tile_b(start + k / 4u * step_b(), column, terms - k);
  }
  return mat4x4f();
}

@compute @workgroup_size(64)
fn matmul_workgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let tiles_n = (sizes.n + SIDE - 1u) / SIDE;
  let place = place_of(group, groups);
  let tile = place.part;
  let terms = terms_of(place.batch);
  let first_row = tile / tiles_n * SIDE;
  let first_column = tile % tiles_n * SIDE;
  // The block this thread fetches of every tile: four rows (columns) by four values of k.
  let across = index % ACROSS;
  let down = index / ACROSS * 4u;
  let row_a = first_row + across * 4u;
  let column_b = first_column + across * 4u;
  let start_of_a = start_a(place.batch, row_a);
  let start_of_b = start_b(place.batch, column_b);
  // The values it computes: rows y, columns x, in quads ACROSS / QUADS apart so that neighbours read neighbours.
  let x = index % 8u;
  let y0 = index / 8u;
  var acc: array<vec4f, MICRO * QUADS>;
  var sums: array<vec4f, QUADS>;
  let sums_here = ROW_SUMS && tile % tiles_n == 0u && x == 0u;
  var next_a = block_of_a(start_of_a, row_a, down, terms);
  var next_b = block_of_b(start_of_b, column_b, down, terms);
  for (var k = 0u; k < terms; k += DEPTH) {
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      tiles_a[(down + i) * ACROSS + across] = next_a[i];
      tiles_b[(down + i) * ACROSS + across] = next_b[i];
    }
    workgroupBarrier();
    next_a = block_of_a(start_of_a, row_a, k + DEPTH + down, terms);
    next_b = block_of_b(start_of_b, column_b, k + DEPTH + down, terms);
    let depth = min(DEPTH, (terms - k + 3u) / 4u * 4u);
    for (var d = 0u; d < depth; d++) {
      var b: array<vec4f, QUADS>;
      for (var q = 0u; q < QUADS; q++) {
        b[q] = tiles_b[d * ACROSS + q * 8u + x];
      }
      for (var p = 0u; p < QUADS; p++) {
        let a = tiles_a[d * ACROSS + p * 8u + y0];
        for (var r = 0u; r < 4u; r++) {
          for (var q = 0u; q < QUADS; q++) {
            let at = (p * 4u + r) * QUADS + q;
            acc[at] = fma(vec4f(a[r]), b[q], acc[at]);
          }
        }
        if (sums_here) {
          sums[p] += a;
        }
      }
    }
  }
  for (var q = 0u; q < QUADS; q++) {
    let column = first_column + (q * 8u + x) * 4u;
    let offset = bias_at(column);
    for (var p = 0u; p < QUADS; p++) {
      let row = first_row + (p * 8u + y0) * 4u;
      for (var r = 0u; r < 4u; r++) {
        store(place.batch, row + r, column, acc[(p * 4u + r) * QUADS + q] + offset);
        if (sums_here && q == 0u) {
          store_row_sum(place.batch, row + r, sums[p][r]);
        }
      }
    }
  }
}
