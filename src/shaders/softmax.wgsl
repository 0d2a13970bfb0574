// Softmax or (LOG) its logarithm over the last axis of x [rows, n]. LANES lanes per row stride over it.
//   forward:  y = exp(x - max x) / sum exp(x - max x)      LOG: y = x - max x - log sum exp(x - max x)
//   backward: dx = y (dy - sum(dy y))                      LOG: dx = dy - exp(y) sum(dy)
// Needs grid.wgsl reduce.wgsl runningSum.wgsl nan.wgsl.

struct Rows {
  rows: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> shape: Rows;

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn softmax_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let first = share.index * shape.n + share.part;
  let end = select(0u, (share.index + 1u) * shape.n, share.index < shape.rows);
  var largest = LOWEST;
  for (var i = first; i < end; i += LANES) {
    largest = max(largest, x[i]);
  }
  largest = workgroup_max(largest, share.slot);
  var mine = RunningSum();
  for (var i = first; i < end; i += LANES) {
    add_to(&mine, exp_or_nan(x[i] - largest));
  }
  let total = workgroup_sum(total_of(mine), share.slot);
  let log_total = log_or_nan(total);
  for (var i = first; i < end; i += LANES) {
    if (LOG) {
      y[i] = x[i] - largest - log_total;
    } else {
      y[i] = exp(x[i] - largest) / total;
    }
  }
}

@group(0) @binding(1) var<storage, read> y_saved: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn softmax_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let first = share.index * shape.n + share.part;
  let end = select(0u, (share.index + 1u) * shape.n, share.index < shape.rows);
  var mine = RunningSum();
  for (var i = first; i < end; i += LANES) {
    add_to(&mine, select(dy[i] * y_saved[i], dy[i], LOG));
  }
  let total = workgroup_sum(total_of(mine), share.slot);
  for (var i = first; i < end; i += LANES) {
    if (LOG) {
      dx[i] = dy[i] - exp_or_nan(y_saved[i]) * total;
    } else {
      dx[i] = y_saved[i] * (dy[i] - total);
    }
  }
}
