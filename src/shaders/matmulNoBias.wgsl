// A matrix product without a bias.

fn bias_at(column: u32) -> vec4f {
  return vec4f();
}
