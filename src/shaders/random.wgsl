// Philox 4x32-10, a counter-based generator: (counter, key) -> four independent 32-bit words, without any state.
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". Same bits as src/engine/random.ts.
//   key     = (seed low, seed high)
//   counter = (index / 4, step, stream, 0); value number `index` is word `index % 4` of that block

// High 32 bits of a 32 x 32 bit product, from four 16-bit products because WGSL has no 64-bit integers.
fn mulhi(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a1 * b0 + ((a0 * b0) >> 16u);
  let mid = a0 * b1 + (low & 0xffffu);
  return a1 * b1 + (low >> 16u) + (mid >> 16u);
}

fn philox4x32(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let hi0 = mulhi(c.x, 0xd2511f53u);
    let lo0 = c.x * 0xd2511f53u;
    let hi1 = mulhi(c.z, 0xcd9e8d57u);
    let lo1 = c.z * 0xcd9e8d57u;
    c = vec4u(hi1 ^ c.y ^ k.x, lo1, hi0 ^ c.w ^ k.y, lo0);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// The top 24 bits as a multiple of 2^-24 in [0, 1): exact in f32.
fn uniform_from_bits(bits: u32) -> f32 {
  return f32(bits >> 8u) * 5.9604644775390625e-8;
}
