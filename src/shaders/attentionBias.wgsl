// Additive bias of attention.wgsl, [heads, queries, keys], one for all pictures or one each.

@group(0) @binding(8) var<storage, read> bias: array<f32>;

fn bias_at(batch: u32, head: u32, query: u32, key: u32) -> f32 {
  return bias[batch * sizes.bias_batch + (head * sizes.queries + query) * sizes.keys + key];
}
