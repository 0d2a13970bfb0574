// Crops of uint8 pictures resampled to squares with the bytes of Pillow's `Image.crop(box).resize`: across first, then
// down, weights in whole 2^-22, rounded to 0..255 after each pass. All of it is whole-number arithmetic up to the last
// line, so every adapter gives the same levels.
//   pictures [count, height, width, 3], bytes packed into words, in up to four shards of whole pictures
//   boxes [batch, 6] = picture, top, left, height, width, flip
//   taps [longest, side, stride]: for each length of a box's side and each output pixel, the source pixels first .. end - 1
//   and their weights
// crop_rows:    -> rows [batch, height, side], a word of red, green, blue bytes per pixel; only the box's rows are written
// crop_columns: rows -> y [batch, side, side, 3] = (level / 255 - mean) / deviation, mirrored if flip; NaN for a box that
//               is not inside of a picture
// One thread per output pixel. Needs grid.wgsl.

struct Sizes {
  mean: vec3f,
  batch: u32,
  deviation: vec3f,
  side: u32,
  height: u32,
  width: u32,
  count: u32,
  per_shard: u32,
  stride: u32,
}

struct Box {
  picture: u32,
  top: u32,
  left: u32,
  height: u32,
  width: u32,
  flip: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> boxes: array<Box>;
@group(0) @binding(2) var<storage, read> taps: array<i32>;
@group(0) @binding(3) var<storage, read_write> rows: array<u32>;
@group(0) @binding(4) var<storage, read> shard0: array<u32>;
@group(0) @binding(5) var<storage, read> shard1: array<u32>;
@group(0) @binding(6) var<storage, read> shard2: array<u32>;
@group(0) @binding(7) var<storage, read> shard3: array<u32>;
@group(0) @binding(8) var<storage, read> resampled: array<u32>;
@group(0) @binding(9) var<storage, read_write> y: array<f32>;

const PRECISION = 22u;
const HALF = vec3i(1 << (PRECISION - 1));

fn is_inside(box: Box) -> bool {
  return box.picture < sizes.count && box.height - 1 < sizes.height && box.width - 1 < sizes.width &&
    box.top <= sizes.height - box.height && box.left <= sizes.width - box.width;
}

// Where the taps of output pixel i begin, for a box's side of this length.
fn find_taps(length: u32, i: u32) -> u32 {
  return ((length - 1) * sizes.side + i) * sizes.stride;
}

fn round_levels(sum: vec3i) -> vec3u {
  return vec3u(clamp(sum >> vec3u(PRECISION), vec3i(0), vec3i(255)));
}

fn unpack_levels(word: u32) -> vec3i {
  return vec3i((vec3u(word) >> vec3u(0, 8, 16)) & vec3u(0xff));
}

fn word_of(shard: u32, at: u32) -> u32 {
  switch shard {
    case 0: { return shard0[at]; }
    case 1: { return shard1[at]; }
    case 2: { return shard2[at]; }
    default: { return shard3[at]; }
  }
}

// The three bytes of a pixel of a shard; the last ones may lie in the next word.
fn pixel_of(shard: u32, pixel: u32) -> vec3i {
  let at = 3 * pixel / 4;
  let shift = 3 * pixel % 4 * 8;
  var word = word_of(shard, at) >> shift;
  if (shift > 8) {
    word |= word_of(shard, at + 1) << (32 - shift);
  }
  return unpack_levels(word);
}

@compute @workgroup_size(WORKGROUP)
fn crop_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  let sample = i / sizes.side / sizes.height;
  if (sample >= sizes.batch) {
    return;
  }
  let box = boxes[sample];
  let row = i / sizes.side % sizes.height;
  if (!is_inside(box) || row >= box.height) {
    return;
  }
  let shard = box.picture / sizes.per_shard;
  let start = (box.picture % sizes.per_shard * sizes.height + box.top + row) * sizes.width + box.left;
  let at = find_taps(box.width, i % sizes.side);
  let first = u32(taps[at]);
  let end = u32(taps[at + 1]);
  var sum = HALF;
  for (var k = first; k < end; k++) {
    sum += taps[at + 2 + k - first] * pixel_of(shard, start + k);
  }
  let level = round_levels(sum);
  rows[i] = level.r | (level.g << 8) | (level.b << 16);
}

@compute @workgroup_size(WORKGROUP)
fn crop_columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  let sample = i / sizes.side / sizes.side;
  if (sample >= sizes.batch) {
    return;
  }
  let box = boxes[sample];
  var value = vec3f(bitcast<f32>(box.picture | 0x7fc00000u)); // NaN
  if (is_inside(box)) {
    let column = select(i % sizes.side, sizes.side - 1 - i % sizes.side, box.flip != 0);
    let start = sample * sizes.height * sizes.side + column;
    let at = find_taps(box.height, i / sizes.side % sizes.side);
    let first = u32(taps[at]);
    let end = u32(taps[at + 1]);
    var sum = HALF;
    for (var k = first; k < end; k++) {
      sum += taps[at + 2 + k - first] * unpack_levels(resampled[start + k * sizes.side]);
    }
    value = vec3f(round_levels(sum));
    if (!LEVELS) {
      value = (value / 255 - sizes.mean) / sizes.deviation;
    }
  }
  y[3 * i] = value.r;
  y[3 * i + 1] = value.g;
  y[3 * i + 2] = value.b;
}
