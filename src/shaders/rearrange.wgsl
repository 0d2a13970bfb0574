// Copies a box of values from one strided layout to another: what permute, slice, concat, pad and expand have in common.
// Axis k of the box, outermost first, has axes[k] = (length, stride in x, stride in y, unused):
//   y[start_y + Σ i_k stride_y] = x[start_x + Σ i_k stride_x]
// V is u32 or vec4u: bits are moved, so every dtype works. Lengths, strides and starts count V; one thread per V.
// Needs grid.wgsl.

struct Box {
  axes: array<vec4u, 6>,
  rank: u32,
  count: u32,
  start_x: u32,
  start_y: u32,
}

@group(0) @binding(0) var<uniform> box: Box;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;

@compute @workgroup_size(WORKGROUP)
fn rearrange(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= box.count) {
    return;
  }
  var rest = i;
  var from_x = box.start_x;
  var to_y = box.start_y;
  for (var k = box.rank; k > 0u; k--) {
    let axis = box.axes[k - 1u];
    let outer = rest / axis.x;
    let position = rest - outer * axis.x;
    from_x += position * axis.y;
    to_y += position * axis.z;
    rest = outer;
  }
  y[to_y] = x[from_x];
}
