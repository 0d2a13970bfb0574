// Nothing follows AdamW's update. For adamw.wgsl.

fn follow(i: u32, after: vec4f) {
}
