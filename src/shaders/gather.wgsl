// gather: y[o, m, i] = x[o, index, i] with index = index[o, m], or index[o, m, i] when PER_VALUE.
//   x [outer, n, inner] -> y [outer, m, inner]. An index beyond n gives a value with all bits set (NaN as f32).
// scatter_unique: y[o, index[o, m], i] = x[o, m, i], for indices that differ within each o; the rest of y stays.
// V is u32 or vec4u: bits are moved, so every dtype works; inner and count count V. One thread per V of [outer, m, inner].
// Needs grid.wgsl.

struct Gather {
  count: u32,
  n: u32,
  m: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> size: Gather;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;

@compute @workgroup_size(WORKGROUP)
fn gather(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= size.count) {
    return;
  }
  let place = i / size.inner;
  let outer = place / size.m;
  let chosen = index[select(place, i, PER_VALUE)];
  if (chosen < size.n) {
    y[i] = x[(outer * size.n + chosen) * size.inner + i % size.inner];
  } else {
    y[i] = V(0xffffffffu);
  }
}

@compute @workgroup_size(WORKGROUP)
fn scatter_unique(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= size.count) {
    return;
  }
  let place = i / size.inner;
  let outer = place / size.m;
  let chosen = index[place];
  if (chosen < size.n) {
    y[(outer * size.n + chosen) * size.inner + i % size.inner] = x[i];
  }
}
