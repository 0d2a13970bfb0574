// Gaussian blur of pictures along one axis, each picture with a width of its own; 0 leaves it as it is. Edges are repeated.
//   x [batch, height, width, 3], deviations [batch] -> y alike: sum over |t| <= reach of w_t x[. + t], w_t ~ exp(-t²/2σ²).
// One lane a value. Needs grid.wgsl.

struct Sizes {
  count: u32,
  picture: u32, // values of one: 3 height width
  side: u32, // along the axis: width across, height down
  stride: u32, // between neighbours along the axis: 3 across, 3 width down
  reach: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> deviations: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn gaussian_blur(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= sizes.count) {
    return;
  }
  let deviation = deviations[i / sizes.picture];
  if (deviation == 0) {
    y[i] = x[i];
    return;
  }
  let place = i32(i / sizes.stride % sizes.side);
  let first = i - u32(place) * sizes.stride;
  let reach = i32(sizes.reach);
  var weights = 0.0;
  var sum = 0.0;
  for (var t = -reach; t <= reach; t++) {
    let weight = exp(-f32(t * t) / (2 * deviation * deviation));
    let source = u32(clamp(place + t, 0, i32(sizes.side) - 1));
    weights += weight;
    sum = fma(weight, x[first + source * sizes.stride], sum);
  }
  y[i] = sum / weights;
}
