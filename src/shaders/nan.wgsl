// What is not finite is found by its bits: max, min and clamp may drop NaN, some drivers' exp and log make numbers of it, and
// WGSL lets a compiler assume that there is none. For V = f32 and U = u32, or vec4 of them.

// y, but NaN where x is.
fn keep_nan(x: V, y: V) -> V {
  return select(y, x, (bitcast<U>(x) & U(0x7fffffffu)) > U(0x7f800000u));
}

fn exp_or_nan(x: V) -> V {
  return keep_nan(x, exp(x));
}

// ln x: -infinity at 0, infinity at infinity, NaN below 0.
fn log_or_nan(x: V) -> V {
  let bits = bitcast<U>(x);
  let is_zero = (bits & U(0x7fffffffu)) == U(0u);
  let special = select(bits | select(U(0u), U(0x7fc00000u), bits > U(0x7f800000u)), bits | U(0xff800000u), is_zero);
  return select(log(x), bitcast<V>(special), is_zero | (bits >= U(0x7f800000u)));
}
