// The tree of reduce.wgsl in workgroup memory, for rows and columns on any adapter.

var<workgroup> reduce_slots: array<f32, WORKGROUP>;

fn workgroup_sum(value: f32, slot: u32) -> f32 {
  reduce_slots[slot] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slot % LANES < half) {
      reduce_slots[slot] += reduce_slots[slot + half];
    }
  }
  workgroupBarrier();
  let total = reduce_slots[slot - slot % LANES];
  workgroupBarrier(); // all have read: the next reduction may overwrite
  return total;
}

fn workgroup_max(value: f32, slot: u32) -> f32 {
  reduce_slots[slot] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slot % LANES < half) {
      reduce_slots[slot] = max(reduce_slots[slot], reduce_slots[slot + half]);
    }
  }
  workgroupBarrier();
  let largest = reduce_slots[slot - slot % LANES];
  workgroupBarrier(); // all have read: the next reduction may overwrite
  return largest;
}
