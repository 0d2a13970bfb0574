// Sums of rows: x [rows, n] -> y [rows]. LANES lanes per row, in an order fixed by n.
// Needs grid.wgsl reduce.wgsl.

struct Rows {
  rows: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> shape: Rows;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn sum_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let n = select(0u, shape.n, share.index < shape.rows);
  var total = 0.0;
  for (var k = share.part; k < n; k += LANES) {
    total += x[share.index * shape.n + k];
  }
  total = workgroup_sum(total, share.slot);
  if (share.part == 0u && n > 0u) {
    y[share.index] = total;
  }
}
