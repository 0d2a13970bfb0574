// GELU as a network chose it: TANH for the tanh form. Needs erf.wgsl with V = vec4f.

fn activation(x: vec4f) -> vec4f {
  if (TANH) {
    return gelu_tanh(x);
  }
  return gelu(x);
}

fn activation_slope(x: vec4f) -> vec4f {
  if (TANH) {
    return gelu_tanh_slope(x);
  }
  return gelu_slope(x);
}
