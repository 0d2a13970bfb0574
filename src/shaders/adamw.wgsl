// AdamW over a shard of a model. One lane per four values; VECTORS of them make a block, which belongs to one segment.
//   p -= lr wd p;  m = β1 m + (1-β1) g;  v = β2 v + (1-β2) g²;  p -= lr/(1-β1^t) m / (√v / √(1-β2^t) + eps)
// A negative clipping factor leaves everything as it is, as does t = 0, an update that is not one yet.
// Needs grid.wgsl and adamwAverage.wgsl or adamwAlone.wgsl: fn follow(i, p), which sees every new vector of parameters.

struct Settings {
  vectors: u32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(2) var<storage, read> g: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(5) var<storage, read> blocks: array<vec4f>; // decay, learning rate scale, -, segment
@group(0) @binding(6) var<storage, read> numbers: array<f32>; // momentum of the average, lr wd, lr/(1-β1^t), √(1-β2^t)
@group(0) @binding(7) var<storage, read> factors: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn adamw(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= settings.vectors) {
    return;
  }
  let row = blocks[i / VECTORS];
  let factor = factors[u32(row.w)];
  if (factor < 0.0 || numbers[3] == 0.0) {
    return;
  }
  let before = p[i];
  let gradient = g[i] * factor;
  let mean = settings.beta1 * m[i] + settings.rest1 * gradient;
  let square = settings.beta2 * v[i] + settings.rest2 * gradient * gradient;
  m[i] = mean;
  v[i] = square;
  let decayed = before - before * (numbers[1] * row.x * row.y);
  let after = decayed - numbers[2] * row.y * mean / (sqrt(square) / numbers[3] + settings.eps);
  p[i] = after;
  follow(i, after);
}
