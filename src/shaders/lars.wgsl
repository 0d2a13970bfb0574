// LARS over a shard of a model: d = f g + wd p;  μ = momentum μ + q d;  p -= lr μ, with q = trust |p| / |d| by segment,
// and q = 1 for tensors of one axis.
//   lars_squares: |p|² and |d|² of each chunk, one workgroup each.
//   lars_trust:   q of each segment from its chunks, one lane each; -1 where the update is skipped.
//   lars:         the update, one workgroup per block of 64 values.
// Needs grid.wgsl.

var<workgroup> partial: array<vec2f, WORKGROUP>;

struct Chunks {
  count: u32,
  first: u32, // the shard's first chunk among those of all shards
}

@group(0) @binding(0) var<uniform> here: Chunks;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read> chunks: array<vec2u>;
@group(0) @binding(4) var<storage, read> blocks: array<vec4f>; // decay, learning rate scale, several axes, segment
@group(0) @binding(5) var<storage, read> numbers: array<f32>; // lr, wd
@group(0) @binding(6) var<storage, read> factors: array<f32>;
@group(0) @binding(7) var<storage, read_write> squares: array<vec2f>;

@compute @workgroup_size(WORKGROUP)
fn lars_squares(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let chunk = flat_workgroup(group, groups);
  var total = vec2f();
  if (chunk < here.count) {
    let span = chunks[chunk];
    let row = blocks[span.x / BLOCK];
    let segment = u32(row.w);
    let decay = numbers[1] * row.x;
    for (var i = span.x + lane; i < span.x + span.y; i += WORKGROUP) {
      let pair = vec2f(p[i], g[i] * factors[segment] + decay * p[i]);
      total = fma(pair, pair, total);
    }
  }
  partial[lane] = total;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      partial[lane] += partial[lane + half];
    }
  }
  if (lane == 0u && chunk < here.count) {
    squares[here.first + chunk] = partial[0];
  }
}

struct Trust {
  segments: u32,
  coefficient: f32,
}

@group(0) @binding(0) var<uniform> trust_settings: Trust;
@group(0) @binding(1) var<storage, read> chunk_squares: array<vec2f>;
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // first chunk, number of chunks, several axes
@group(0) @binding(3) var<storage, read> clipping: array<f32>;
@group(0) @binding(4) var<storage, read_write> trust: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn lars_trust(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let segment = group.x * WORKGROUP + lane;
  if (segment >= trust_settings.segments) {
    return;
  }
  let span = rows[segment];
  var total = vec2f();
  for (var i = 0u; i < span.y; i++) {
    total += chunk_squares[span.x + i];
  }
  var q = 1.0;
  if (span.z == 1u && total.x > 0.0 && total.y > 0.0) {
    q = trust_settings.coefficient * sqrt(total.x) / sqrt(total.y);
  }
  trust[segment] = select(q, -1.0, clipping[segment] < 0.0);
}

struct Settings {
  blocks: u32,
  momentum: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> buffer: array<f32>;
@group(0) @binding(7) var<storage, read> trust_saved: array<f32>;

@compute @workgroup_size(BLOCK)
fn lars(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = flat_workgroup(group, groups);
  if (block >= settings.blocks) {
    return;
  }
  let row = blocks[block];
  let segment = u32(row.w);
  let q = trust_saved[segment];
  if (q < 0.0) {
    return;
  }
  let i = block * BLOCK + lane;
  let d = g[i] * factors[segment] + numbers[1] * row.x * values[i];
  let moved = settings.momentum * buffer[i] + q * d;
  buffer[i] = moved;
  values[i] -= numbers[0] * row.y * moved;
}
