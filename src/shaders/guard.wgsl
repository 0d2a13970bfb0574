// The guard of a run, (halted, steps): what moves state asks its first word.
//   guard_check: halts the run if a scalar is NaN or infinite, by its bits, since WGSL may assume there are none.
//   guard_count: one more step, unless the run has halted.
//   guard_scale: the same where the loss is scaled: a bad step is skipped and halves the scale, MOST in a row halt the run,
//                and GOOD good ones since the scale last changed double it.

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

// The loss's scale, good steps since it changed, bad steps in a row.
@group(0) @binding(0) var<storage, read_write> scaling: array<f32>;

@compute @workgroup_size(1)
fn guard_scale() {
  if (guard[0] != 0u && scaling[2] >= f32(MOST)) {
    return; // halted before
  }
  if (guard[0] != 0u) {
    scaling[0] *= 0.5;
    scaling[1] = 0.0;
    scaling[2] += 1.0;
    if (scaling[2] >= f32(MOST)) {
      return;
    }
    guard[0] = 0u;
  } else {
    scaling[1] += 1.0;
    scaling[2] = 0.0;
    if (scaling[1] >= f32(GOOD)) {
      scaling[0] *= 2.0;
      scaling[1] = 0.0;
    }
  }
  guard[1] += 1u;
}
