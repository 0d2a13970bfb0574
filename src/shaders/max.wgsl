// The largest value along the middle axis of x [outer, n, inner], and where it is first reached. Values of any dtype are
// compared by sort_key: NaN is above everything.
//   forward:  y, index [outer, inner]. LANES lanes per result, neighbouring lanes on neighbouring memory: along the axis,
//             or (ACROSS, for inner > 1) across it.
//   backward: dx = dy at the index, 0 elsewhere. One thread per value.
// Needs grid.wgsl reduce.wgsl sortKey.wgsl.

struct Sizes {
  results: u32, // outer * inner
  n: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<storage, read_write> index: array<u32>;

struct Best {
  key: u32,
  at: u32,
}

fn better(a: Best, b: Best) -> Best {
  if (b.key > a.key || (b.key == a.key && b.at < a.at)) {
    return b;
  }
  return a;
}

var<workgroup> best_slots: array<Best, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn max_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let flat = flat_workgroup(group, groups);
  var share = row_share(flat, lane);
  if (ACROSS) {
    share = column_share(flat, lane);
  }
  let slot = share.slot;
  let first = share.index / sizes.inner * sizes.n * sizes.inner + share.index % sizes.inner;
  if (share.index < sizes.results) {
    // Lanes without a value of their own look at the last one again.
    let start = min(share.part, sizes.n - 1u);
    var best = Best(sort_key(x[first + start * sizes.inner]), start);
    for (var k = start + LANES; k < sizes.n; k += LANES) {
      best = better(best, Best(sort_key(x[first + k * sizes.inner]), k));
    }
    best_slots[slot] = best;
  }
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slot % LANES < half) {
      best_slots[slot] = better(best_slots[slot], best_slots[slot + half]);
    }
  }
  if (share.part == 0u && share.index < sizes.results) {
    let at = best_slots[slot].at;
    y[share.index] = x[first + at * sizes.inner];
    index[share.index] = at;
  }
}

@group(0) @binding(1) var<storage, read> index_saved: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn max_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= sizes.results * sizes.n) {
    return;
  }
  let k = i / sizes.inner % sizes.n;
  let result = i / sizes.inner / sizes.n * sizes.inner + i % sizes.inner;
  dx[i] = select(0.0, dy[result], index_saved[result] == k);
}
