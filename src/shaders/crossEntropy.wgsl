// Cross-entropy of logits x [rows, classes] against labels [rows] or (SOFT) weights t [rows, classes]. The softmax is
// never stored: forward keeps three numbers per row, backward makes it again from them.
//   t' = (1 - smoothing) t + smoothing / classes,  m = max x,  s = sum exp(x - m),  mass = sum t'
//   forward:  loss = scale (mass log s - sum t' (x - m)). LANES lanes per row.
//   backward: dx = scale dy (mass exp(x - m) / s - t'). One thread per value.
//   target:   dt = -scale dy (1 - smoothing) (x - m - log s). One thread per value.
// A label outside of the classes makes its row NaN, but a row of the ignored label costs nothing. Needs grid.wgsl reduce.wgsl runningSum.wgsl nan.wgsl.

struct Sizes {
  rows: u32,
  classes: u32,
  smoothing: f32,
  scale: f32,
  dy_stride: u32, // 0 where one dy serves all rows
  ignores: u32, // 1 where there is an ignored label
  ignored: u32,
}

struct Statistics {
  largest: f32,
  log_sum: f32,
  mass: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>; // SOFT: the bits of t

fn weight(row: u32, class_index: u32) -> f32 {
  if (SOFT) {
    return bitcast<f32>(labels[row * sizes.classes + class_index]);
  }
  return select(0.0, 1.0, labels[row] == class_index);
}

fn is_ignored(row: u32) -> bool {
  return !SOFT && sizes.ignores == 1u && labels[row] == sizes.ignored;
}

fn smoothed(t: f32) -> f32 {
  return (1.0 - sizes.smoothing) * t + sizes.smoothing / f32(sizes.classes);
}

@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> statistics: array<Statistics>;

@compute @workgroup_size(WORKGROUP)
fn crossEntropy_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let row = share.index;
  let classes = select(0u, sizes.classes, row < sizes.rows);
  var largest = LOWEST;
  for (var k = share.part; k < classes; k += LANES) {
    largest = max(largest, x[row * classes + k]);
  }
  largest = workgroup_max(largest, share.slot);
  var my_exp = RunningSum();
  var my_along = RunningSum();
  var my_weights = RunningSum();
  for (var k = share.part; k < classes; k += LANES) {
    let shifted = x[row * classes + k] - largest;
    let t = weight(row, k);
    add_to(&my_exp, exp_or_nan(shifted));
    add_to(&my_weights, t);
    let target_weight = smoothed(t);
    if (target_weight != 0.0) { // a logit of -infinity that is not wanted costs nothing
      add_to(&my_along, target_weight * shifted);
    }
  }
  let total = workgroup_sum(total_of(my_exp), share.slot);
  let along = workgroup_sum(total_of(my_along), share.slot);
  let weights = workgroup_sum(total_of(my_weights), share.slot);
  if (share.part != 0u || row >= sizes.rows) {
    return;
  }
  var log_sum = log_or_nan(total);
  if (!SOFT && labels[row] >= sizes.classes) {
    log_sum = bitcast<f32>(labels[row] | 0x7fc00000u); // NaN
  }
  let mass = (1.0 - sizes.smoothing) * weights + sizes.smoothing;
  losses[row] = select(sizes.scale * (mass * log_sum - along), 0.0, is_ignored(row));
  statistics[row] = Statistics(largest, log_sum, mass);
}

@group(0) @binding(3) var<storage, read> saved: array<Statistics>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn crossEntropy_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  let row = i / sizes.classes;
  if (row >= sizes.rows) {
    return;
  }
  let of_row = saved[row];
  let probability = exp_or_nan(x[i] - of_row.largest - of_row.log_sum);
  let t = smoothed(weight(row, i % sizes.classes));
  let slope = sizes.scale * dy[row * sizes.dy_stride] * (of_row.mass * probability - t);
  dx[i] = select(slope, 0.0, is_ignored(row));
}

@group(0) @binding(2) var<storage, read> saved_for_target: array<Statistics>;
@group(0) @binding(3) var<storage, read> dy_for_target: array<f32>;
@group(0) @binding(4) var<storage, read_write> dt: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn crossEntropy_target(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  let row = i / sizes.classes;
  if (row >= sizes.rows) {
    return;
  }
  let of_row = saved_for_target[row];
  let log_probability = x[i] - of_row.largest - of_row.log_sum;
  dt[i] = -sizes.scale * dy_for_target[row * sizes.dy_stride] * (1.0 - sizes.smoothing) * log_probability;
}
