// The flat index of a workgroup in a grid that was folded into two dimensions because WebGPU allows 65,535 per
// dimension (flatGroups in device.ts). The last row may be longer than needed: kernels guard with their own count.

fn flat_workgroup(group: vec3u, groups: vec3u) -> u32 {
  return group.x + group.y * groups.x;
}
