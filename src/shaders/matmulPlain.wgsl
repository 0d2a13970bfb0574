// The matrix product value by value, for products so small that compiling a better kernel takes longer than they ever
// will: one thread computes four values of a row. Needs matmul.wgsl.

@compute @workgroup_size(WORKGROUP)
fn matmul_plain(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tiles_n = (sizes.n + 3u) / 4u;
  let place = place_of(group, groups);
  let tile = place.part * WORKGROUP + lane;
  let row = tile / tiles_n;
  let column = tile % tiles_n * 4u;
  if (row >= sizes.m) {
    return;
  }
  let step_a = select(1u, sizes.m, TRANSPOSE_A);
  let step_b = select(sizes.n, 1u, TRANSPOSE_B);
  let next_b = select(1u, sizes.k, TRANSPOSE_B);
  var at_a = place.batch * sizes.batch_a + row * select(sizes.k, 1u, TRANSPOSE_A);
  var at_b = place.batch * sizes.batch_b + column * next_b;
  var acc = vec4f();
  var sum = 0.0;
  for (var first = 0u; first < sizes.k; first += sizes.span) {
    var part = vec4f();
    var part_sum = 0.0;
    let end = min(first + sizes.span, sizes.k);
    for (var k = first; k < end; k++) {
      let a = value_a(at_a);
      for (var i = 0u; i < 4u; i++) {
        part[i] = fma(a, value_b(at_b + i * next_b), part[i]);
      }
      part_sum += a;
      at_a += step_a;
      at_b += step_b;
    }
    acc += part;
    sum += part_sum;
  }
  store(place.batch, row, column, acc + bias_at(column));
  if (ROW_SUMS && column == 0u) {
    store_row_sum(place.batch, row, sum);
  }
}
