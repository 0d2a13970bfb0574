// y[o, n, i] = Σ over m in rising order of x[o, m, i] where index = n: deterministic, without atomics.
//   x [outer, m, inner], y [outer, n, inner]; an index beyond n adds nothing.
// scatter_add_rows: index [outer, m]. One workgroup per row of y and block of WORKGROUP columns: the lanes together note
//   which of the next WORKGROUP * span indices name this row, one bit each; then every lane walks over the bits that are
//   set and adds its column. V is f32 or vec4f; inner counts V.
// scatter_add_values: index [outer, m, inner]. One thread per value of y looks through its m indices.
// Needs grid.wgsl, and runningSum.wgsl with Summand = V.

struct Scatter {
  count: u32, // of rows of y, or of values of y
  n: u32,
  m: u32,
  inner: u32,
  blocks: u32,
  span: u32, // at most 32
}

@group(0) @binding(0) var<uniform> size: Scatter;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;

var<workgroup> hits: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn scatter_add_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = flat_workgroup(group, groups);
  let row = at / size.blocks;
  if (row >= size.count) {
    return;
  }
  let column = at % size.blocks * WORKGROUP + lane;
  let outer = row / size.n;
  let wanted = row % size.n;
  var total = RunningSum();
  for (var base = 0u; base < size.m; base += WORKGROUP * size.span) {
    let mine = base + lane * size.span;
    var word = 0u;
    for (var k = 0u; k < size.span && mine + k < size.m; k++) {
      word |= u32(index[outer * size.m + mine + k] == wanted) << k;
    }
    workgroupBarrier();
    hits[lane] = word;
    workgroupBarrier();
    for (var l = 0u; l < WORKGROUP && column < size.inner; l++) {
      for (var rest = hits[l]; rest != 0u; rest &= rest - 1u) {
        let m = base + l * size.span + firstTrailingBit(rest);
        add_to(&total, x[(outer * size.m + m) * size.inner + column]);
      }
    }
  }
  if (column < size.inner) {
    y[row * size.inner + column] = total_of(total);
  }
}

@compute @workgroup_size(WORKGROUP)
fn scatter_add_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= size.count) {
    return;
  }
  let row = i / size.inner;
  let outer = row / size.n;
  let wanted = row % size.n;
  var total = RunningSum();
  for (var m = 0u; m < size.m; m++) {
    let k = (outer * size.m + m) * size.inner + i % size.inner;
    if (index[k] == wanted) {
      add_to(&total, x[k]);
    }
  }
  y[i] = total_of(total);
}
