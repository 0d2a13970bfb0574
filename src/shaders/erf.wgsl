// The error function and the two GELUs, for V = f32 or vec4f.
// erf: odd rational minimax on [-4, 4] (as in Eigen and XLA), within 4e-7 of exact; no exp, so it is the same
// arithmetic on every adapter.
//   gelu(x)      = x Φ(x),  Φ(x) = (1 + erf(x/√2)) / 2,  slope Φ(x) + x φ(x)
//   gelu_tanh(x) = x/2 (1 + tanh(u)),  u = √(2/π) (x + 0.044715 x³)

fn erf(x: V) -> V {
  let c = clamp(x, V(-4.0), V(4.0));
  let s = c * c;
  var p = fma(s, V(-2.72614225801306e-10), V(2.77068142495902e-8));
  p = fma(s, p, V(-2.10102402082508e-6));
  p = fma(s, p, V(-5.69250639462346e-5));
  p = fma(s, p, V(-7.34990630326855e-4));
  p = fma(s, p, V(-2.95459980854025e-3));
  p = fma(s, p, V(-1.60960333262415e-2));
  var q = fma(s, V(-1.45660718464996e-5), V(-2.13374055278905e-4));
  q = fma(s, q, V(-1.68282697438203e-3));
  q = fma(s, q, V(-7.37332916720468e-3));
  q = fma(s, q, V(-1.42647390514189e-2));
  return c * p / q;
}

fn gelu(x: V) -> V {
  return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));
}

fn gelu_slope(x: V) -> V {
  return 0.5 * (1.0 + erf(x * 0.7071067811865476)) + x * 0.3989422804014327 * exp(-0.5 * x * x);
}

fn gelu_tanh_inner(x: V) -> V {
  return tanh(clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), V(-15.0), V(15.0)));
}

fn gelu_tanh(x: V) -> V {
  return 0.5 * x * (1.0 + gelu_tanh_inner(x));
}

fn gelu_tanh_slope(x: V) -> V {
  let t = gelu_tanh_inner(x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * x * x);
}
