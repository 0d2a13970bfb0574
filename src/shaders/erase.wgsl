// Random erasing: a box of each picture filled with noise, a value for every pixel and channel.
//   x, noise [batch, height, width, 3], boxes [batch, 4] = top, left, height, width; no height, no box -> y.
// One lane a value. Needs grid.wgsl.

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn erase_boxes(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= sizes.count) {
    return;
  }
  let values = 3 * sizes.height * sizes.width;
  let inside = i % values;
  let place = vec2f(f32(inside / (3 * sizes.width)), f32(inside / 3 % sizes.width));
  let box = boxes[i / values];
  let is_erased = all(place >= box.xy) && all(place < box.xy + box.zw);
  y[i] = select(x[i], noise[i], is_erased);
}
