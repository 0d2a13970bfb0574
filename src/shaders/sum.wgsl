// Sums over one axis, each in an order fixed by the shape.
//   sum_rows (sumRows.wgsl) takes the last axis.
//   sum_columns: x [outer, n, inner] -> y [outer, chunks, inner]. One thread per result adds `span` values in order.
// Needs grid.wgsl.

struct Columns {
  count: u32,
  n: u32,
  inner: u32,
  span: u32,
  chunks: u32,
}

@group(0) @binding(0) var<uniform> columns: Columns;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn sum_columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= columns.count) {
    return;
  }
  let column = i % columns.inner;
  let chunk = (i / columns.inner) % columns.chunks;
  let outer = i / columns.inner / columns.chunks;
  let first = chunk * columns.span;
  let end = min(first + columns.span, columns.n);
  var total = 0.0;
  for (var k = first; k < end; k++) {
    total += x[(outer * columns.n + k) * columns.inner + column];
  }
  y[i] = total;
}
