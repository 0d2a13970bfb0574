// Epilogue: x = product + bias is kept for backward, y = gelu(x). Needs activation.wgsl.

@group(0) @binding(5) var<storage, read_write> before: array<vec4f>;

fn epilogue(at: u32, product: vec4f) -> vec4f {
  before[at] = product;
  return activation(product);
}
