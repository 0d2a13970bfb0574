// Rows of x [rows, n] divided by their length, d = max(sqrt(sum x^2), eps). LANES lanes per row.
//   forward:  y = x / d
//   backward: dx = (dy - y sum(dy y)) / d, and dy / eps for a row no longer than eps
// NaN in a row makes all of it NaN.  Needs grid.wgsl reduce.wgsl runningSum.wgsl nan.wgsl.

struct Sizes {
  rows: u32,
  n: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> lengths: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn normalize_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let first = share.index * sizes.n;
  let n = select(0u, sizes.n, share.index < sizes.rows);
  var squares = RunningSum();
  for (var k = share.part; k < n; k += LANES) {
    add_to(&squares, x[first + k] * x[first + k]);
  }
  let length = sqrt(workgroup_sum(total_of(squares), share.slot));
  let d = keep_nan(length, max(length, sizes.eps));
  for (var k = share.part; k < n; k += LANES) {
    y[first + k] = x[first + k] / d;
  }
  if (share.part == 0u && n > 0u) {
    lengths[share.index] = d;
  }
}

@group(0) @binding(1) var<storage, read> y_saved: array<f32>;
@group(0) @binding(2) var<storage, read> lengths_saved: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn normalize_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let first = share.index * sizes.n;
  let n = select(0u, sizes.n, share.index < sizes.rows);
  var my_along = RunningSum();
  for (var k = share.part; k < n; k += LANES) {
    add_to(&my_along, dy[first + k] * y_saved[first + k]);
  }
  var along = workgroup_sum(total_of(my_along), share.slot);
  if (n > 0u) {
    let d = lengths_saved[share.index];
    along = select(0.0, along, d > sizes.eps);
    for (var k = share.part; k < n; k += LANES) {
      dx[first + k] = (dy[first + k] - y_saved[first + k] * along) / d;
    }
  }
}
