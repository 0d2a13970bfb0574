// Whether subgroups are runs of consecutive lanes: each lane writes its number in its subgroup.

@group(0) @binding(0) var<storage, read_write> answer: array<u32>;

@compute @workgroup_size(64)
fn self_test_subgroup(
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) number: u32,
) {
  answer[lane] = number;
}
