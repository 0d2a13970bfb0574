// Gradient norms and clipping factors.
//   clip_squares: one workgroup per chunk adds up the squares of its gradients.
//   clip_factors: one workgroup adds the chunks of each segment, then the segments, and writes the factors.
// NaN and infinity are found by their bits, since WGSL may assume there are none.

@group(0) @binding(0) var<uniform> chunk_count: u32;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> chunks: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> squares: array<f32>;

var<workgroup> partial: array<f32, WORKGROUP>;

fn sum_of_workgroup(lane: u32, value: f32) -> f32 {
  partial[lane] = value;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      partial[lane] += partial[lane + half];
    }
  }
  workgroupBarrier();
  return partial[0];
}

@compute @workgroup_size(WORKGROUP)
fn clip_squares(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunk = group.x + group.y * groups.x;
  var total = 0.0;
  if (chunk < chunk_count) {
    let span = chunks[chunk];
    for (var i = lane; i < span.y; i += WORKGROUP) {
      let g = gradients[span.x + i];
      total = fma(g, g, total);
    }
  }
  let sum = sum_of_workgroup(lane, total);
  if (lane == 0u && chunk < chunk_count) {
    squares[chunk] = sum;
  }
}

struct Settings {
  segments: u32,
  by_tensor: u32,
  limit: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> chunk_squares: array<f32>;
@group(0) @binding(2) var<storage, read> chunks_of: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> factors: array<f32>;
@group(0) @binding(4) var<storage, read_write> norm: array<f32>;

fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(WORKGROUP)
fn clip_factors(@builtin(local_invocation_index) lane: u32) {
  var mine = 0.0;
  for (var segment = lane; segment < settings.segments; segment += WORKGROUP) {
    let span = chunks_of[segment];
    var total = 0.0;
    for (var i = 0u; i < span.y; i++) {
      total += chunk_squares[span.x + i];
    }
    factors[segment] = total;
    mine += total;
  }
  let all = sum_of_workgroup(lane, mine);
  if (lane == 0u) {
    norm[0] = sqrt(all);
  }
  for (var segment = lane; segment < settings.segments; segment += WORKGROUP) {
    let squared = select(all, factors[segment], settings.by_tensor == 1u);
    factors[segment] = select(-1.0, min(1.0, settings.limit / (sqrt(squared) + 1e-6)), is_finite(all));
  }
}
