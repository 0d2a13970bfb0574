// A value's place in the order as a u32: a < b exactly where sort_key(a) < sort_key(b). Works on bits, so it does not
// depend on how a driver compares NaN or denormals: -0 equals 0, and NaN is above everything, as in PyTorch.
// FLOAT: the bits are an f32.  SIGNED: they are an i32.  DESCENDING: the order is turned around.

fn rising_key(bits: u32) -> u32 {
  if (SIGNED) {
    return bits ^ 0x80000000u;
  }
  if (!FLOAT) {
    return bits;
  }
  let magnitude = bits & 0x7fffffffu;
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  if (magnitude > 0x7f800000u) {
    return 0xffffffffu;
  }
  return bits ^ select(0x80000000u, 0xffffffffu, bits > 0x7fffffffu);
}

fn sort_key(bits: u32) -> u32 {
  return select(rising_key(bits), ~rising_key(bits), DESCENDING);
}
