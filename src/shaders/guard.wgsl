// The guard of a run, (halted, steps): what moves state asks its first word.
//   guard_check: halts the run if a scalar is NaN or infinite, by its bits, since WGSL may assume there are none.
//   guard_count: one more step, unless the run has halted.

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> guard: array<u32>;

@compute @workgroup_size(1)
fn guard_check() {
  if ((x[0] & 0x7f800000u) == 0x7f800000u) {
    guard[0] = 1u;
  }
}

@compute @workgroup_size(1)
fn guard_count() {
  if (guard[0] == 0u) {
    guard[1] += 1u;
  }
}
