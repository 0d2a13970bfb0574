// Scaled dot-product attention without a score matrix in memory (Dao et al. 2022, arXiv:2205.14135).
//   s = q·k / √d + bias,  p = softmax over keys,  o = Σ p v,  lse = log Σ e^s
// backward: dp = do·v,  ds = p (dp - do·o),  dq = Σ ds k / √d,  dk = Σ ds q / √d,  dv = Σ p do
// This file is what all kernels of it share: sizes, operands, and the order of a dot product. Rows are found by strides in
// vec4f, so q, k and v may lie interleaved in one tensor. D4: head size / 4. The kernels:
//   attentionLanes.wgsl     a lane a row, for any adapter; attentionBackward.wgsl: its gradients in one pass
//   attentionStaged.wgsl    forward for GPUs, a lane a query
//   attentionTiles.wgsl     backward for GPUs by tiles, ds kept in memory; attentionKept.wgsl: what is made of it
// All of them add in the same order, dot products along the head, softmax in eights of keys, sums by rows, so all give the
// same bits. Needs  bias_at (attentionBias*.wgsl).

struct Sizes {
  queries: u32,
  keys: u32,
  heads: u32,
  d4: u32, // D4 again, where a loop had better stay rolled
  q_row: u32, // vec4f from one token to the next
  q_start: u32,
  k_row: u32,
  k_start: u32,
  v_row: u32,
  v_start: u32,
  dq_row: u32, // in d_out, as what follows
  dq_start: u32,
  dk_row: u32,
  dk_start: u32,
  dv_start: u32,
  bias_batch: u32, // values from one picture's bias to the next; 0 shares it
  sharing: u32, // pictures that share one bias
  pairs: u32, // batch * heads * queries: where the second half of the statistics begins
  picture: u32, // the first one, where pictures come in groups
  scale: f32,
}

const LOWEST = -0x1.fffffep+127; // finite, as infinity less itself would be NaN

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;

fn add_dot(sum: f32, x: vec4f, y: vec4f) -> f32 {
  return fma(x.w, y.w, fma(x.z, y.z, fma(x.y, y.y, fma(x.x, y.x, sum))));
}

// Where the rows of this picture and head begin.
fn start(offset: u32, row: u32, tokens: u32, batch: u32, head: u32) -> u32 {
  return offset + batch * tokens * row + head * D4;
}
