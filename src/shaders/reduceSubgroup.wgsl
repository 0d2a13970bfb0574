// The tree of reduce.wgsl for rows where SUBGROUP consecutive lanes share registers: the same additions in the same
// order without a barrier, except between subgroups where a row has more lanes than one.

var<workgroup> reduce_slots: array<f32, WORKGROUP>;

const TOGETHER = min(LANES, SUBGROUP);

// Lane `slot` of a row with its partner's: where both add, both get the same bits.
fn workgroup_sum(value: f32, slot: u32) -> f32 {
  var total = value;
  if (LANES > SUBGROUP) {
    reduce_slots[slot] = value;
    for (var half = LANES / 2u; half >= SUBGROUP; half /= 2u) {
      workgroupBarrier();
      if (slot % LANES < half) {
        reduce_slots[slot] += reduce_slots[slot + half];
      }
    }
    workgroupBarrier();
    total = reduce_slots[slot - slot % LANES + slot % SUBGROUP];
    workgroupBarrier(); // all have read: the next reduction may overwrite
  }
  for (var half = TOGETHER / 2u; half > 0u; half /= 2u) {
    total += subgroupShuffleXor(total, half);
  }
  return total;
}

fn workgroup_max(value: f32, slot: u32) -> f32 {
  var largest = value;
  if (LANES > SUBGROUP) {
    reduce_slots[slot] = value;
    for (var half = LANES / 2u; half >= SUBGROUP; half /= 2u) {
      workgroupBarrier();
      if (slot % LANES < half) {
        reduce_slots[slot] = max(reduce_slots[slot], reduce_slots[slot + half]);
      }
    }
    workgroupBarrier();
    largest = reduce_slots[slot - slot % LANES + slot % SUBGROUP];
    workgroupBarrier(); // all have read: the next reduction may overwrite
  }
  for (var half = TOGETHER / 2u; half > 0u; half /= 2u) {
    largest = max(largest, subgroupShuffleXor(largest, half));
  }
  return largest;
}
