// Mixup and cutmix: every picture with its partner, the batch in reverse order.
//   x [batch, height, width, 3], mix [6] = share of the own picture, and the box of the partner's (top, left, bottom, right):
//   inside of the box y = partner, outside of it y = share x + (1 - share) partner. One lane a value. Needs grid.wgsl.

struct Sizes {
  count: u32,
  batch: u32,
  height: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mix: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn mix_pictures(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= sizes.count) {
    return;
  }
  let values = 3 * sizes.height * sizes.width;
  let picture = i / values;
  let inside = i % values;
  let row = f32(inside / (3 * sizes.width));
  let column = f32(inside / 3 % sizes.width);
  let partner = x[(sizes.batch - 1 - picture) * values + inside];
  let is_cut = row >= mix[1] && row < mix[3] && column >= mix[2] && column < mix[4];
  let blended = select(mix[0] * x[i] + (1 - mix[0]) * partner, x[i], mix[0] == 1);
  y[i] = select(blended, partner, is_cut);
}
