// Epilogue: y = residual + (product + bias).

@group(0) @binding(5) var<storage, read> residual: array<vec4f>;

fn epilogue(at: u32, product: vec4f) -> vec4f {
  return residual[at] + product;
}
