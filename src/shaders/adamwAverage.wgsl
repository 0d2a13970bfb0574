// What follows AdamW's update: average = momentum average + (1 - momentum) p, a momentum teacher. For adamw.wgsl.

@group(0) @binding(8) var<storage, read_write> average: array<vec4f>;

fn follow(i: u32, after: vec4f) {
  average[i] = numbers[0] * average[i] + (1.0 - numbers[0]) * after;
}
