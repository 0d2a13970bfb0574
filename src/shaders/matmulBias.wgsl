// The bias of a matrix product, by column; it is added before the epilogue.

@group(0) @binding(4) var<storage, read> bias: array<f32>;

fn bias_at(column: u32) -> vec4f {
  let last = sizes.n - 1u;
  let c = min(column + vec4u(0u, 1u, 2u, 3u), vec4u(last));
  return vec4f(bias[c.x], bias[c.y], bias[c.z], bias[c.w]);
}
