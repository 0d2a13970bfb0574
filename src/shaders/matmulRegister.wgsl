// The matrix product where there are no subgroups: one thread computes 4 x 4 values. Needs matmul.wgsl.

@compute @workgroup_size(WORKGROUP)
fn matmul_register(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_n = (sizes.n + 3u) / 4u;
  let place = place_of(group, groups);
  let tile = place.part * WORKGROUP + lane;
  let row = tile / tiles_n * 4u;
  let column = tile % tiles_n * 4u;
  if (row >= sizes.m) {
    return;
  }
  var at_a = start_a(place.batch, row);
  var at_b = start_b(place.batch, column);
  var sums = vec4f();
  var y0 = vec4f();
  var y1 = vec4f();
  var y2 = vec4f();
  var y3 = vec4f();
  for (var first = 0u; first < sizes.k; first += sizes.span) {
    var p0 = vec4f();
    var p1 = vec4f();
    var p2 = vec4f();
    var p3 = vec4f();
    var part_sums = vec4f();
    let end = min(first + sizes.span, sizes.k);
    for (var k = first; k < end; k += 4u) {
      let pa = tile_a(at_a, row, sizes.k - k);
      let pb = tile_b(at_b, column, sizes.k - k);
      p0 = step_row(pa[0], pb, p0);
      p1 = step_row(pa[1], pb, p1);
      p2 = step_row(pa[2], pb, p2);
      p3 = step_row(pa[3], pb, p3);
      if (ROW_SUMS && column == 0u) {
        part_sums = sum_rows(pa, part_sums);
      }
      at_a += step_a();
      at_b += step_b();
    }
    y0 += p0;
    y1 += p1;
    y2 += p2;
    y3 += p3;
    sums += part_sums;
    if (!PARTED) {
      break;
    }
  }
  let offset = bias_at(column);
  store(place.batch, row, column, y0 + offset);
  store(place.batch, row + 1u, column, y1 + offset);
  store(place.batch, row + 2u, column, y2 + offset);
  store(place.batch, row + 3u, column, y3 + offset);
  if (ROW_SUMS && column == 0u) {
    store_row_sum(place.batch, row, sums.x);
    store_row_sum(place.batch, row + 1u, sums.y);
    store_row_sum(place.batch, row + 2u, sums.z);
    store_row_sum(place.batch, row + 3u, sums.w);
  }
}
