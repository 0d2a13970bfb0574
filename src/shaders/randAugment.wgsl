// RandAugment: one change to each picture, by number: Pillow's operations, on levels that need not be whole.
//   x [batch, height, width, 3], levels 0..255 -> y alike. drawn [batch, 6]: (operation, a, b) for each of two turns.
// One workgroup a picture: autocontrast, equalize and contrast need its statistics. Counts are whole numbers, so their order
// does not matter. Needs grid.wgsl and blend.wgsl.

struct Sizes {
  batch: u32,
  height: u32,
  width: u32,
  turn: u32,
  taps: u32, // 4, the rows of a cubic: not a constant, because software adapters write such a loop out for seconds
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> drawn: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const EQUALIZE = 2u;
const ROTATE = 4u;
const SHEAR_X = 12u;

// What is seen behind the edge of a moved picture: ImageNet's mean colour.
const FILL = vec3f(124, 116, 104);

var<workgroup> change: u32;
var<workgroup> sums: array<f32, WORKGROUP>;
var<workgroup> lows: array<vec3f, WORKGROUP>;
var<workgroup> highs: array<vec3f, WORKGROUP>;
var<workgroup> counts: array<atomic<u32>, 768>;
var<workgroup> mapped: array<f32, 768>;

fn color_at(start: u32, row: i32, column: i32) -> vec3f {
  let r = u32(clamp(row, 0, i32(sizes.height) - 1));
  let c = u32(clamp(column, 0, i32(sizes.width) - 1));
  let at = start + 3 * (r * sizes.width + c);
  return vec3f(x[at], x[at + 1], x[at + 2]);
}

// Pillow's cubic of a transform (Geometry.c, a = -1; its resize has a = -1/2).
fn cubic(v1: vec3f, v2: vec3f, v3: vec3f, v4: vec3f, d: f32) -> vec3f {
  return v2 + d * (v3 - v1 + d * (2 * (v1 - v2) + v3 - v4 + d * (v2 - v1 + v4 - v3)));
}

// The picture at a place in pixels, whose centres lie at halves.
fn sample(start: u32, place: vec2f) -> vec3f {
  if (any(place < vec2f()) || any(place >= vec2f(f32(sizes.width), f32(sizes.height)))) {
    return FILL;
  }
  let corner = floor(place - 0.5);
  let part = place - 0.5 - corner;
  let column = i32(corner.x);
  var across: array<vec3f, 4>;
  for (var k = 0; k < i32(sizes.taps); k++) {
    let row = i32(corner.y) + k - 1;
    across[k] = cubic(
      color_at(start, row, column - 1),
      color_at(start, row, column),
      color_at(start, row, column + 1),
      color_at(start, row, column + 2),
      part.x,
    );
  }
  return clamp(cubic(across[0], across[1], across[2], across[3], part.y), vec3f(), vec3f(255));
}

// Pillow's SMOOTH; the edge stays as it is.
fn smooth_at(start: u32, row: i32, column: i32) -> vec3f {
  let own = color_at(start, row, column);
  if (row == 0 || column == 0 || row == i32(sizes.height) - 1 || column == i32(sizes.width) - 1) {
    return own;
  }
  var sum = 4 * own;
  for (var r = -1; r <= 1; r++) {
    for (var c = -1; c <= 1; c++) {
      sum += color_at(start, row + r, column + c);
    }
  }
  return sum / 13;
}

// What each level of each channel becomes, from counts: lanes 0 to 2 have a channel each.
fn equalize(channel: u32) {
  var total = 0u;
  var last = 0u;
  for (var level = 0u; level < 256; level++) {
    let count = atomicLoad(&counts[256 * channel + level]);
    total += count;
    last = select(last, count, count > 0);
  }
  let step = (total - last) / 255;
  var below = step / 2;
  for (var level = 0u; level < 256; level++) {
    mapped[256 * channel + level] = f32(select(min(255, below / max(1, step)), level, step == 0));
    below += atomicLoad(&counts[256 * channel + level]);
  }
}

@compute @workgroup_size(WORKGROUP)
fn rand_augment(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let picture = flat_workgroup(group, groups);
  if (picture >= sizes.batch) {
    return;
  }
  let pixels = sizes.height * sizes.width;
  let start = 3 * picture * pixels;
  let row_of_drawn = 6 * picture + 3 * sizes.turn;
  if (lane == 0) {
    change = u32(drawn[row_of_drawn]);
  }
  let now = workgroupUniformLoad(&change);
  let a = drawn[row_of_drawn + 1];
  let b = drawn[row_of_drawn + 2];
  for (var i = lane; i < 768; i += WORKGROUP) {
    atomicStore(&counts[i], 0);
  }
  workgroupBarrier();
  var sum = 0.0;
  var low = vec3f(255);
  var high = vec3f();
  for (var i = lane; i < pixels; i += WORKGROUP) {
    let color = color_at(start, i32(i / sizes.width), i32(i % sizes.width));
    sum += gray_of(color);
    low = min(low, color);
    high = max(high, color);
    let level = vec3u(clamp(round(color), vec3f(), vec3f(255)));
    if (now == EQUALIZE) {
      for (var c = 0u; c < 3; c++) {
        atomicAdd(&counts[256 * c + level[c]], 1);
      }
    }
  }
  sums[lane] = sum;
  lows[lane] = low;
  highs[lane] = high;
  for (var half = WORKGROUP / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
      lows[lane] = min(lows[lane], lows[lane + half]);
      highs[lane] = max(highs[lane], highs[lane + half]);
    }
  }
  workgroupBarrier();
  if (now == EQUALIZE && lane < 3) {
    equalize(lane);
  }
  workgroupBarrier();
  let mean = sums[0] / f32(pixels);
  let least = lows[0];
  let span = highs[0] - least;
  let size = vec2f(f32(sizes.width), f32(sizes.height));
  for (var i = lane; i < pixels; i += WORKGROUP) {
    let row = i32(i / sizes.width);
    let column = i32(i % sizes.width);
    let place = vec2f(f32(column), f32(row)) + 0.5;
    var color = color_at(start, row, column);
    var source = place; // of the operations that move a picture
    switch now {
      case 1: { // auto contrast
        color = select(color, (color - least) * (255 / max(span, vec3f(1e-6))), span > vec3f());
      }
      case EQUALIZE: {
        let level = vec3u(clamp(round(color), vec3f(), vec3f(255)));
        color = vec3f(mapped[level.r], mapped[256 + level.g], mapped[512 + level.b]);
      }
      case 3: { color = 255 - color; } // invert
      case ROTATE: {
        let offset = place - size / 2;
        source = vec2f(a * offset.x - b * offset.y, b * offset.x + a * offset.y) + size / 2;
      }
      case 5: { color = a * floor(color / a); } // posterize
      case 6: { color = select(color, 255 - color, color >= vec3f(a)); } // solarize
      case 7: { color = select(color, min(color + a, vec3f(255)), color < vec3f(128)); } // solarize add
      case 8: { color = blend(color, vec3f(gray_of(color)), a); } // color
      case 9: { color = blend(color, vec3f(mean), a); } // contrast
      case 10: { color = blend(color, vec3f(), a); } // brightness
      case 11: { color = blend(color, smooth_at(start, row, column), a); } // sharpness
      case SHEAR_X: { source.x += a * place.y; }
      case 13: { source.y += a * place.x; } // shear y
      case 14: { source.x += a * size.x; } // translate x
      case 15: { source.y += a * size.y; } // translate y
      default: {}
    }
    if (now == ROTATE || now >= SHEAR_X) {
      color = sample(start, source);
    }
    let at = start + 3 * i;
    y[at] = color.r;
    y[at + 1] = color.g;
    y[at + 2] = color.b;
  }
}
