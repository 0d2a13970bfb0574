// Gradients of a loss that was multiplied by a scale: what undoes it, exactly, since scales are powers of two. For clip.wgsl.

@group(0) @binding(6) var<storage, read> scaling: array<f32>; // the scale first

fn unscale() -> f32 {
  return 1.0 / scaling[0];
}
