// Batch normalisation of x [N, D] over its columns, with h = (x - mean) / sqrt(variance + eps).
//   statistics: mean and biased variance of each column, mean first. LANES lanes per column.
//   update:     running += momentum (statistic - running), the variance made unbiased, unless the guard has halted. One
//               thread per column.
//   forward:    y = h weight + bias. One thread per value.
//   sums:       dweight = sum(dy h), dbias = sum(dy). LANES lanes per column.
//   backward:   dx = weight (dy - coupling (dbias + h dweight)) / sqrt(variance + eps). One thread per value.
// Needs grid.wgsl reduce.wgsl runningSum.wgsl.

struct Sizes {
  rows: u32,
  columns: u32,
  eps: f32,
  coupling: f32, // 1 / N where the statistics are the batch's own, 0 where they are given
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> new_mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> new_variance: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn batchNorm_statistics(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = column_share(flat_workgroup(group, groups), lane);
  let rows = select(0u, sizes.rows, share.index < sizes.columns);
  var total = RunningSum();
  for (var k = share.part; k < rows; k += LANES) {
    add_to(&total, x[k * sizes.columns + share.index]);
  }
  let column_mean = workgroup_sum(total_of(total), share.slot) / f32(sizes.rows);
  var my_squares = RunningSum();
  for (var k = share.part; k < rows; k += LANES) {
    let centred = x[k * sizes.columns + share.index] - column_mean;
    add_to(&my_squares, centred * centred);
  }
  let squares = workgroup_sum(total_of(my_squares), share.slot);
  if (share.part == 0u && rows > 0u) {
    new_mean[share.index] = column_mean;
    new_variance[share.index] = squares / f32(sizes.rows);
  }
}

@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;

struct Update {
  columns: u32,
  momentum: f32,
  unbias: f32, // N / (N - 1)
}

@group(0) @binding(0) var<uniform> settings: Update;
@group(0) @binding(1) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_variance: array<f32>;
@group(0) @binding(5) var<storage, read> guard: array<u32>; // halted

@compute @workgroup_size(WORKGROUP)
fn batchNorm_update(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i < settings.columns && guard[0] == 0u) {
    running_mean[i] += settings.momentum * (mean[i] - running_mean[i]);
    running_variance[i] += settings.momentum * (variance[i] * settings.unbias - running_variance[i]);
  }
}

@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn batchNorm_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i < sizes.rows * sizes.columns) {
    let k = i % sizes.columns;
    y[i] = (x[i] - mean[k]) * inverseSqrt(variance[k] + sizes.eps) * weight[k] + bias[k];
  }
}

@group(0) @binding(4) var<storage, read> dy: array<f32>;
// Written by sums. backward only reads them, but its dx may lie in the same buffer of gradients, and a buffer that is
// written in a dispatch may not also be bound for reading.
@group(0) @binding(5) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(6) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn batchNorm_sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = column_share(flat_workgroup(group, groups), lane);
  let k = share.index;
  let rows = select(0u, sizes.rows, k < sizes.columns);
  var my_along = RunningSum();
  var my_total = RunningSum();
  if (rows > 0u) {
    let centre = mean[k];
    let rstd = inverseSqrt(variance[k] + sizes.eps);
    for (var row = share.part; row < rows; row += LANES) {
      let i = row * sizes.columns + k;
      add_to(&my_along, dy[i] * (x[i] - centre) * rstd);
      add_to(&my_total, dy[i]);
    }
  }
  let along = workgroup_sum(total_of(my_along), share.slot);
  let total = workgroup_sum(total_of(my_total), share.slot);
  if (share.part == 0u && rows > 0u) {
    dweight[k] = along;
    dbias[k] = total;
  }
}

@group(0) @binding(7) var<storage, read> weight_saved: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn batchNorm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i < sizes.rows * sizes.columns) {
    let k = i % sizes.columns;
    let rstd = inverseSqrt(variance[k] + sizes.eps);
    let h = (x[i] - mean[k]) * rstd;
    dx[i] = weight_saved[k] * rstd * (dy[i] - sizes.coupling * (dbias[k] + h * dweight[k]));
  }
}
