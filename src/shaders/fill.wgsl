// fill: y = one 32-bit pattern everywhere. One thread per value. Needs grid.wgsl.

struct Fill {
  count: u32,
  word: u32,
}

@group(0) @binding(0) var<uniform> size: Fill;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn fill(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i < size.count) {
    y[i] = size.word;
  }
}
