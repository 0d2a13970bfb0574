// Random numbers by counter: value number i of y comes from word i % 4 of block i / 4.
//   uniform_values: in [0, 1), multiples of 2^-24
//   normal_values:  N(0, 1) by Box-Muller from two neighbouring words u, v: √(-2 ln(1 - u)) times cos 2πv, then sin 2πv
// dropout: y = x * factor where number i of the stream is at least p, else 0. Its own gradient, with dy for x.
// One thread per block of four values.  Needs random.wgsl grid.wgsl.

struct Draw {
  count: u32,
  stream: u32,
  site: u32,
  p: f32,
  key: vec2u,
  factor: f32,
}

@group(0) @binding(0) var<uniform> draw: Draw;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn numbers(number: u32) -> vec4f {
  let words = philox4x32(vec4u(number, step[0], draw.stream, draw.site), draw.key);
  return vec4f(
    uniform_from_bits(words.x),
    uniform_from_bits(words.y),
    uniform_from_bits(words.z),
    uniform_from_bits(words.w),
  );
}

fn store(number: u32, values: vec4f) {
  for (var k = 0u; k < 4u && number * 4u + k < draw.count; k++) {
    y[number * 4u + k] = values[k];
  }
}

@compute @workgroup_size(WORKGROUP)
fn uniform_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = flat_workgroup(group, groups) * WORKGROUP + lane;
  store(number, numbers(number));
}

@compute @workgroup_size(WORKGROUP)
fn normal_values(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = flat_workgroup(group, groups) * WORKGROUP + lane;
  let u = numbers(number);
  // A driver's logarithm may be a little above 0 just below 1; its sine and cosine are best within half a turn of 0.
  let radius = sqrt(max(-2.0 * log(1.0 - u.xz), vec2f(0.0)));
  let angle = 6.283185307179586 * (u.yw - select(vec2f(0.0), vec2f(1.0), u.yw >= vec2f(0.5)));
  let even = radius * cos(angle);
  let odd = radius * sin(angle);
  store(number, vec4f(even.x, odd.x, even.y, odd.y));
}

@group(0) @binding(3) var<storage, read> x: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn dropout(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = flat_workgroup(group, groups) * WORKGROUP + lane;
  let u = numbers(number);
  for (var k = 0u; k < 4u && number * 4u + k < draw.count; k++) {
    let i = number * 4u + k;
    y[i] = select(0.0, x[i] * draw.factor, u[k] >= draw.p);
  }
}
