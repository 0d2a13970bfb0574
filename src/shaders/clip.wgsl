// Gradient norms and clipping factors.
//   clip_squares: one workgroup per chunk of a shard adds up the squares of its gradients.
//   clip_factors: one workgroup adds the chunks of each segment, then the segments, and writes the factors;
//                 what is not finite halts the run's guard, and a run that has halted gets -1 for every factor.
// NaN and infinity are found by their bits, since WGSL may assume there are none. Gradients of a scaled loss are scaled back
// in their norm and by their factors. Needs clipUnscaled.wgsl; clipScaled.wgsl stands in for it.

struct Chunks {
  count: u32,
  first: u32, // the shard's first chunk among those of all shards
}

@group(0) @binding(0) var<uniform> here: Chunks;
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
  if (chunk < here.count) {
    let span = chunks[chunk];
    for (var i = lane; i < span.y; i += WORKGROUP) {
      let g = gradients[span.x + i];
      total = fma(g, g, total);
    }
  }
  let sum = sum_of_workgroup(lane, total);
  if (lane == 0u && chunk < here.count) {
    squares[here.first + chunk] = sum;
  }
}

struct Settings {
  segments: u32,
  by_tensor: u32,
  limit: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> chunk_squares: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // first chunk, number of chunks
@group(0) @binding(3) var<storage, read_write> factors: array<f32>;
@group(0) @binding(4) var<storage, read_write> norm: array<f32>;
@group(0) @binding(5) var<storage, read_write> guard: array<u32>; // halted

fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(WORKGROUP)
fn clip_factors(@builtin(local_invocation_index) lane: u32) {
  var mine = 0.0;
  for (var segment = lane; segment < settings.segments; segment += WORKGROUP) {
    let span = rows[segment];
    var total = 0.0;
    for (var i = 0u; i < span.y; i++) {
      total += chunk_squares[span.x + i];
    }
    factors[segment] = total;
    mine += total;
  }
  let all = sum_of_workgroup(lane, mine);
  let skip = guard[0] != 0u || !is_finite(all);
  storageBarrier(); // all have read the flag
  if (lane == 0u) {
    norm[0] = sqrt(all) * unscale();
    guard[0] = u32(skip);
  }
  for (var segment = lane; segment < settings.segments; segment += WORKGROUP) {
    let squared = select(all, factors[segment], settings.by_tensor == 1u);
    let length = sqrt(squared) * unscale();
    factors[segment] = select(min(1.0, settings.limit / (length + 1e-6)) * unscale(), -1.0, skip);
  }
}
