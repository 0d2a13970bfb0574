// SGD with momentum over a shard of a model: d = f g + wd p;  μ = momentum μ + d;  p -= lr μ, or with NESTEROV
// p -= lr (d + momentum μ).
// One workgroup per block of 64 values, which belongs to one segment; f is its clipping factor, a negative one leaves
// everything as it is. Needs grid.wgsl.

struct Settings {
  blocks: u32,
  momentum: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read_write> p: array<f32>;
@group(0) @binding(2) var<storage, read> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> buffer: array<f32>;
@group(0) @binding(4) var<storage, read> blocks: array<vec4f>; // decay, learning rate scale, several axes, segment
@group(0) @binding(5) var<storage, read> numbers: array<f32>; // lr, wd
@group(0) @binding(6) var<storage, read> factors: array<f32>;

@compute @workgroup_size(BLOCK)
fn sgd(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = flat_workgroup(group, groups);
  if (block >= settings.blocks) {
    return;
  }
  let row = blocks[block];
  let factor = factors[u32(row.w)];
  if (factor < 0.0) {
    return;
  }
  let i = block * BLOCK + lane;
  let d = g[i] * factor + numbers[1] * row.x * p[i];
  let moved = settings.momentum * buffer[i] + d;
  buffer[i] = moved;
  if (NESTEROV) {
    p[i] -= numbers[0] * row.y * (d + settings.momentum * moved);
  } else {
    p[i] -= numbers[0] * row.y * moved;
  }
}
