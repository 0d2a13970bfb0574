// Sums of rows, or of their pieces of `span` values: x [rows, n] -> y [rows, pieces]. LANES lanes per piece, in an order
// fixed by n and span.  Needs grid.wgsl reduce.wgsl runningSum.wgsl.

struct Rows {
  rows: u32,
  n: u32,
  span: u32,
  pieces: u32,
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
  let row = share.index / shape.pieces;
  let start = share.index % shape.pieces * shape.span;
  let end = select(0u, min(start + shape.span, shape.n), row < shape.rows);
  var mine = RunningSum();
  for (var k = start + share.part; k < end; k += LANES) {
    add_to(&mine, x[row * shape.n + k]);
  }
  let total = workgroup_sum(total_of(mine), share.slot);
  if (share.part == 0u && end > 0u) {
    y[share.index] = total;
  }
}
