// Epilogue of the backward of GELU: y = product · gelu'(x), and gelu(x), which was not kept, once more.
// Needs activation.wgsl.

@group(0) @binding(5) var<storage, read> before: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> activated: array<vec4f>;

fn epilogue(at: u32, product: vec4f) -> vec4f {
  let x = before[at];
  activated[at] = activation(x);
  return product * activation_slope(x);
}
