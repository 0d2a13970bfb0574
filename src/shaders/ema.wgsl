// Exponential moving average: average = m average + (1 - m) x, unless the guard has halted. One thread per value.
// Needs grid.wgsl.

@group(0) @binding(0) var<uniform> count: u32;
@group(0) @binding(1) var<storage, read_write> average: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> momentum: array<f32>;
@group(0) @binding(4) var<storage, read> guard: array<u32>; // halted

@compute @workgroup_size(WORKGROUP)
fn ema(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i < count && guard[0] == 0u) {
    average[i] = momentum[0] * average[i] + (1.0 - momentum[0]) * x[i];
  }
}
