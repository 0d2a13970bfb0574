// Order of the values of each row of x [rows, n], stable: y[row, r] = index of the value with r values before it.
//   argsort_ranks: n <= LONGEST. One workgroup per row counts for each value those that come before it.
//   Longer rows, padded to a power of two, as pairs (key, index) in a bitonic sorting network whose comparisons all point
//   the same way: a step of size s compares a pair's position with its mirror image in its block of s ("flip"), or with
//   the one s / 2 further ("shift"). Pairs differ in their index, so the result is stable; padding comes last.
//   argsort_load:   x -> pairs. One thread per pair.
//   argsort_blocks: every block of 2 WORKGROUP pairs sorted, in workgroup memory.
//   argsort_flip, argsort_shift: one step of any size over all pairs. One thread per comparison.
//   argsort_merge:  the shifts of size 2 WORKGROUP, ..., 2 within each block.
//   argsort_store:  pairs -> y. One thread per value.
// Needs sortKey.wgsl grid.wgsl.

struct Sort {
  rows: u32,
  n: u32,
  padded: u32,
  step: u32,
}

@group(0) @binding(0) var<uniform> size: Sort;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

var<workgroup> keys: array<u32, LONGEST>;

@compute @workgroup_size(WORKGROUP)
fn argsort_ranks(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_workgroup(group, groups);
  if (row >= size.rows) {
    return;
  }
  for (var i = lane; i < size.n; i += WORKGROUP) {
    keys[i] = sort_key(x[row * size.n + i]);
  }
  workgroupBarrier();
  for (var i = lane; i < size.n; i += WORKGROUP) {
    let key = keys[i];
    var rank = 0u;
    for (var j = 0u; j < size.n; j++) {
      rank += u32(keys[j] < key || (keys[j] == key && j < i));
    }
    y[row * size.n + rank] = i;
  }
}

@group(0) @binding(2) var<storage, read_write> loaded: array<vec2u>;

@compute @workgroup_size(WORKGROUP)
fn argsort_load(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  let row = i / size.padded;
  let column = i % size.padded;
  if (row >= size.rows) {
    return;
  }
  if (column < size.n) {
    loaded[i] = vec2u(sort_key(x[row * size.n + column]), column);
  } else {
    loaded[i] = vec2u(0xffffffffu, column);
  }
}

@group(0) @binding(1) var<storage, read_write> pairs: array<vec2u>;

var<workgroup> block: array<vec2u, 2u * WORKGROUP>;

fn is_before(a: vec2u, b: vec2u) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// The two positions that comparison t of a step works on.
fn flip_ends(t: u32, step: u32) -> vec2u {
  let first = t / (step / 2u) * step;
  let offset = t % (step / 2u);
  return vec2u(first + offset, first + step - 1u - offset);
}

fn shift_ends(t: u32, step: u32) -> vec2u {
  let first = t / (step / 2u) * step + t % (step / 2u);
  return vec2u(first, first + step / 2u);
}

fn order_in_block(ends: vec2u) {
  let a = block[ends.x];
  let b = block[ends.y];
  if (is_before(b, a)) {
    block[ends.x] = b;
    block[ends.y] = a;
  }
  workgroupBarrier();
}

fn order_pairs(ends: vec2u) {
  let a = pairs[ends.x];
  let b = pairs[ends.y];
  if (is_before(b, a)) {
    pairs[ends.x] = b;
    pairs[ends.y] = a;
  }
}

fn shifts_in_block(lane: u32, largest: u32) {
  for (var step = largest; step > 1u; step /= 2u) {
    order_in_block(shift_ends(lane, step));
  }
}

@compute @workgroup_size(WORKGROUP)
fn argsort_blocks(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = flat_workgroup(group, groups) * 2u * WORKGROUP;
  if (first >= size.rows * size.padded) {
    return;
  }
  block[lane] = pairs[first + lane];
  block[lane + WORKGROUP] = pairs[first + lane + WORKGROUP];
  workgroupBarrier();
  for (var step = 2u; step <= 2u * WORKGROUP; step *= 2u) {
    order_in_block(flip_ends(lane, step));
    shifts_in_block(lane, step / 2u);
  }
  pairs[first + lane] = block[lane];
  pairs[first + lane + WORKGROUP] = block[lane + WORKGROUP];
}

@compute @workgroup_size(WORKGROUP)
fn argsort_merge(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = flat_workgroup(group, groups) * 2u * WORKGROUP;
  if (first >= size.rows * size.padded) {
    return;
  }
  block[lane] = pairs[first + lane];
  block[lane + WORKGROUP] = pairs[first + lane + WORKGROUP];
  workgroupBarrier();
  shifts_in_block(lane, 2u * WORKGROUP);
  pairs[first + lane] = block[lane];
  pairs[first + lane + WORKGROUP] = block[lane + WORKGROUP];
}

@compute @workgroup_size(WORKGROUP)
fn argsort_flip(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (t < size.rows * (size.padded / 2u)) {
    order_pairs(flip_ends(t, size.step));
  }
}

@compute @workgroup_size(WORKGROUP)
fn argsort_shift(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let t = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (t < size.rows * (size.padded / 2u)) {
    order_pairs(shift_ends(t, size.step));
  }
}

@group(0) @binding(1) var<storage, read> sorted: array<vec2u>;

@compute @workgroup_size(WORKGROUP)
fn argsort_store(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  let row = i / size.n;
  if (row < size.rows) {
    y[i] = sorted[row * size.padded + i % size.n].y;
  }
}
