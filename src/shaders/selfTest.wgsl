// The smallest proof that an adapter computes: seed * (i + 1).

@group(0) @binding(0) var<uniform> seed: u32;
@group(0) @binding(1) var<storage, read_write> answer: array<u32>;

@compute @workgroup_size(64)
fn self_test(@builtin(local_invocation_index) lane: u32) {
  answer[lane] = seed * (lane + 1u);
}
