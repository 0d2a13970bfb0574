// The end of a step whose loss was multiplied by a scale, before the guard counts it. After GOOD_STEPS good ones since it last
// changed the scale doubles, up to 2^24. A bad step was skipped, since all that moves asks the guard: it halves the scale, down to 2^-16 at most, and
// the guard's flag is taken back, unless it is the last of BAD_STEPS in a row, which halts the run.

@group(0) @binding(0) var<storage, read_write> guard: array<u32>; // bad, or halted
@group(0) @binding(1) var<storage, read_write> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> good_steps: array<f32>; // since the scale changed
@group(0) @binding(3) var<storage, read_write> bad_steps: array<f32>; // in a row

@compute @workgroup_size(1)
fn loss_scale() {
  if (guard[0] == 0u) {
    bad_steps[0] = 0.0;
    good_steps[0] += 1.0;
    if (good_steps[0] >= f32(GOOD_STEPS)) {
      scale[0] = min(2.0 * scale[0], 0x1p24);
      good_steps[0] = 0.0;
    }
  } else if (bad_steps[0] < f32(BAD_STEPS)) {
    scale[0] = max(0.5 * scale[0], 0x1p-16);
    good_steps[0] = 0.0;
    bad_steps[0] += 1.0;
    guard[0] = u32(bad_steps[0] == f32(BAD_STEPS));
  }
}
