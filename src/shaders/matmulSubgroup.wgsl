// The matrix product by subgroups: one subgroup computes ROWS x 4·LANES values. Each lane owns four columns and loads
// their part of B itself; of A every lane loads a little, and the rows reach all lanes through registers. Loads are
// what costs on software adapters: here every value of both tiles is loaded once for ROWS·4·LANES multiply-adds.
// ROWS is 8·EIGHTS. Rows are spelled out ($repeat, engine/gpu/kernel.ts), each sum a variable of its own: in arrays that loops
// index, software adapters keep them in memory. Needs matmul.wgsl; SHARED lanes, 4 or 8, load the rows.

// Eight rows of A by four values of k are eight vectors: vector i is row i, or, when A is stored transposed, half
// i % 2 of the rows at k + i / 2. Here i is that of this lane, `at` its place.
fn load_eighth(at: u32, row: u32, left: u32, i: u32) -> vec4f {
  if (TRANSPOSE_A) {
    return load_a(at, row + i % 2u * 4u, sizes.m, i / 2u < left);
  }
  return load_a(at, 0u, left, true);
}

@compute @workgroup_size(WORKGROUP)
fn matmul_subgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let lane = index % LANES;
  let tiles_n = (sizes.n + 4u * LANES - 1u) / (4u * LANES);
  let place = place_of(group, groups);
  let tile = place.part * (WORKGROUP / LANES) + index / LANES;
  let row = tile / tiles_n * ROWS;
  let column = (tile % tiles_n * LANES + lane) * 4u;
  let i = lane % SHARED;
  let mine = select((row + i) * sizes.k, i / 2u * sizes.m + row + i % 2u * 4u, TRANSPOSE_A);
  var at_a = (place.batch * sizes.batch_a + mine) / UNIT_A;
  let next_a = 8u * select(sizes.k, 1u, TRANSPOSE_A) / UNIT_A;
  let far_a = select(4u * sizes.k, 2u * sizes.m, TRANSPOSE_A) / UNIT_A;
  var at_b = start_b(place.batch, column);
  let sums_here = ROW_SUMS && tile % tiles_n == 0u;
  // What is added once for each part lies in arrays: the loop that stores the rows stays one, an epilogue is compiled once.
  var tile_rows: array<vec4f, ROWS>;
  var tile_sums: array<vec4f, ROWS / 4u>;
  for (var first = 0u; first < sizes.k; first += sizes.span) {
    $repeat(g, EIGHTS)
    var acc$g_0 = vec4f();
    var acc$g_1 = vec4f();
    var acc$g_2 = vec4f();
    var acc$g_3 = vec4f();
    var acc$g_4 = vec4f();
    var acc$g_5 = vec4f();
    var acc$g_6 = vec4f();
    var acc$g_7 = vec4f();
    var low_sums$g = vec4f();
    var high_sums$g = vec4f();
    $end
    let end = min(first + sizes.span, sizes.k);
    for (var k = first; k < end; k += 4u) {
      let left = sizes.k - k;
      // Everything is loaded before anything is multiplied, which hides more of the loads.
      let pb = tile_b(at_b, column, left);
      $repeat(g, EIGHTS)
      let near$g = load_eighth(at_a + $gu * next_a, row + 8u * $gu, left, i);
      var far$g = near$g;
      if (SHARED == 4u) {
        far$g = load_eighth(at_a + $gu * next_a + far_a, row + 8u * $gu, left, i + 4u);
      }
      $end
      $repeat(g, EIGHTS)
      let a$g_0 = subgroupBroadcast(near$g, 0u);
      let a$g_1 = subgroupBroadcast(near$g, 1u);
      let a$g_2 = subgroupBroadcast(near$g, 2u);
      let a$g_3 = subgroupBroadcast(near$g, 3u);
      let a$g_4 = subgroupBroadcast(far$g, 4u % SHARED);
      let a$g_5 = subgroupBroadcast(far$g, 5u % SHARED);
      let a$g_6 = subgroupBroadcast(far$g, 6u % SHARED);
      let a$g_7 = subgroupBroadcast(far$g, 7u % SHARED);
      var low$g = mat4x4f(a$g_0, a$g_1, a$g_2, a$g_3);
      var high$g = mat4x4f(a$g_4, a$g_5, a$g_6, a$g_7);
      if (TRANSPOSE_A) {
        low$g = transpose(mat4x4f(a$g_0, a$g_2, a$g_4, a$g_6));
        high$g = transpose(mat4x4f(a$g_1, a$g_3, a$g_5, a$g_7));
      }
      acc$g_0 = step_row(low$g[0], pb, acc$g_0);
      acc$g_1 = step_row(low$g[1], pb, acc$g_1);
      acc$g_2 = step_row(low$g[2], pb, acc$g_2);
      acc$g_3 = step_row(low$g[3], pb, acc$g_3);
      acc$g_4 = step_row(high$g[0], pb, acc$g_4);
      acc$g_5 = step_row(high$g[1], pb, acc$g_5);
      acc$g_6 = step_row(high$g[2], pb, acc$g_6);
      acc$g_7 = step_row(high$g[3], pb, acc$g_7);
      $end
      if (sums_here) {
        $repeat(g, EIGHTS)
        low_sums$g = sum_rows(low$g, low_sums$g);
        high_sums$g = sum_rows(high$g, high_sums$g);
        $end
      }
      at_a += step_a();
      at_b += step_b();
    }
    $repeat(g, EIGHTS)
    tile_rows[8u * $gu] += acc$g_0;
    tile_rows[8u * $gu + 1u] += acc$g_1;
    tile_rows[8u * $gu + 2u] += acc$g_2;
    tile_rows[8u * $gu + 3u] += acc$g_3;
    tile_rows[8u * $gu + 4u] += acc$g_4;
    tile_rows[8u * $gu + 5u] += acc$g_5;
    tile_rows[8u * $gu + 6u] += acc$g_6;
    tile_rows[8u * $gu + 7u] += acc$g_7;
    tile_sums[2u * $gu] += low_sums$g;
    tile_sums[2u * $gu + 1u] += high_sums$g;
    $end
    if (!PARTED) {
      break;
    }
  }
  let offset = bias_at(column);
  let inside = min(ROWS, sizes.m - min(row, sizes.m));
  for (var r = 0u; r < inside; r++) {
    store(place.batch, row + r, column, tile_rows[r] + offset);
    if (sums_here && lane == 0u) {
      store_row_sum(place.batch, row + r, tile_sums[r / 4u][r % 4u]);
    }
  }
}
