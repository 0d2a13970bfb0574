// Who works on what in a reduction over the lanes of a workgroup. The WORKGROUP slots form segments of LANES slots (a power
// of two): one segment per row, or per column. reduceMemory.wgsl or reduceSubgroup.wgsl reduces each segment on its own,
// and all its lanes get the result; every lane of the workgroup must call. The order is a tree that depends on LANES
// alone: lane i and lane i + LANES / 2 first, neighbours last.

// What one lane works on: every LANES-th value, from `part` on, of row or column `index`.
struct Share {
  index: u32,
  part: u32,
  slot: u32,
}

// Neighbouring lanes read neighbouring values of one row.
fn row_share(group: u32, lane: u32) -> Share {
  return Share(group * (WORKGROUP / LANES) + lane / LANES, lane % LANES, lane);
}

// Neighbouring lanes read neighbouring columns.
fn column_share(group: u32, lane: u32) -> Share {
  const COLUMNS = WORKGROUP / LANES;
  let column = lane % COLUMNS;
  let part = lane / COLUMNS;
  return Share(group * COLUMNS + column, part, column * LANES + part);
}

// No finite value is below; finite because WGSL may assume that there are no infinities.
const LOWEST = -0x1.fffffep+127;
