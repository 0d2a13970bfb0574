// Indices of the k <= WORKGROUP largest values of each row of x [rows, n], largest first, ties to the lower index.
// One workgroup per row. Values are ranked by (sort_key, ~index), two words that differ for every value. The word pair of
// the k-th largest is found byte by byte from the top: count the values that agree with the bytes so far by their next
// byte, then take the byte at which `needed` values are reached. It ends when a byte holds exactly the values needed:
// 2 to 4 rounds for distinct values, 8 at most. The chosen are then put in order by counting.
// Counting adds whole numbers, so the order of the atomics does not show in the result.  Needs sortKey.wgsl grid.wgsl.

struct TopK {
  rows: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<uniform> size: TopK;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;

// The top bytes that are decided (the others 0), which bytes those are, and how many of the values that agree are wanted.
struct Search {
  word: vec2u,
  mask: vec2u,
  needed: u32,
  is_over: u32,
}

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> search: Search;
var<workgroup> taken: atomic<u32>;
var<workgroup> chosen: array<vec2u, WORKGROUP>;

fn is_above(a: vec2u, b: vec2u) -> bool {
  return a.x > b.x || (a.x == b.x && a.y > b.y);
}

// Byte number `round` of a word pair, counted from the top.
fn byte_of(word: vec2u, round: u32) -> u32 {
  return (select(word.y, word.x, round < 4u) >> (24u - 8u * (round % 4u))) & 0xffu;
}

fn with_byte(word: vec2u, round: u32, value: u32) -> vec2u {
  let shifted = value << (24u - 8u * (round % 4u));
  return word | select(vec2u(0u, shifted), vec2u(shifted, 0u), round < 4u);
}

// Decides byte `round`: the largest at which at least `needed` of the counted values are reached from above.
fn narrow(round: u32) {
  var above = 0u;
  var value = 255u;
  for (; value > 0u; value--) {
    let here = atomicLoad(&counts[value]);
    if (above + here >= search.needed) {
      break;
    }
    above += here;
  }
  search.needed -= above;
  search.is_over = u32(atomicLoad(&counts[value]) == search.needed);
  search.word = with_byte(search.word, round, value);
  search.mask = with_byte(search.mask, round, 255u);
}

@compute @workgroup_size(WORKGROUP)
fn top_k(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = flat_workgroup(group, groups);
  if (row >= size.rows) {
    return;
  }
  if (lane == 0u) {
    search = Search(vec2u(0u), vec2u(0u), size.k, 0u);
    atomicStore(&taken, 0u);
  }
  for (var round = 0u; round < 8u; round++) {
    let known = workgroupUniformLoad(&search);
    if (known.is_over == 1u) {
      break;
    }
    for (var value = lane; value < 256u; value += WORKGROUP) {
      atomicStore(&counts[value], 0u);
    }
    workgroupBarrier();
    for (var i = lane; i < size.n; i += WORKGROUP) {
      let word = vec2u(sort_key(x[row * size.n + i]), ~i);
      if (all((word & known.mask) == known.word)) {
        atomicAdd(&counts[byte_of(word, round)], 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      narrow(round);
    }
  }
  let found = workgroupUniformLoad(&search);
  for (var i = lane; i < size.n; i += WORKGROUP) {
    let word = vec2u(sort_key(x[row * size.n + i]), ~i);
    if (!is_above(found.word, word & found.mask)) {
      chosen[atomicAdd(&taken, 1u)] = word;
    }
  }
  workgroupBarrier();
  if (lane < size.k) {
    let word = chosen[lane];
    var rank = 0u;
    for (var j = 0u; j < size.k; j++) {
      rank += u32(is_above(chosen[j], word));
    }
    indices[row * size.k + rank] = ~word.y;
  }
}
