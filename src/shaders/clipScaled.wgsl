// For clip.wgsl: gradients are those of the loss times `scale`, a power of two.

@group(0) @binding(6) var<storage, read> scale: array<f32>;

fn unscale() -> f32 {
  return 1.0 / scale[0];
}
