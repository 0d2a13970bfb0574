// Brightness, contrast, saturation and hue of pictures, each picture in an order of its own: torchvision's ColorJitter.
//   x [batch, pixels, 3], levels 0..255 -> y alike. drawn [batch, 8]: the four factors, then the order of the four.
// One workgroup a picture: contrast needs the picture's mean, as it is when its turn comes. Each lane keeps to its own
// pixels of y, so only that mean passes between lanes. Needs grid.wgsl and blend.wgsl.

struct Sizes {
  batch: u32,
  pixels: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> drawn: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const BRIGHTNESS = 0u;
const CONTRAST = 1u;
const SATURATION = 2u;

var<workgroup> change: u32;
var<workgroup> sums: array<f32, WORKGROUP>;

// Hue turned by a share of the circle. A gray stays as it is.
fn turn_hue(color: vec3f, turn: f32) -> vec3f {
  let most = max(color.r, max(color.g, color.b));
  let chroma = most - min(color.r, min(color.g, color.b));
  if (chroma == 0 || turn == 0) {
    return color;
  }
  var sector = (color.r - color.g) / chroma + 4; // blue is the largest
  if (most == color.r) {
    sector = (color.g - color.b) / chroma;
  } else if (most == color.g) {
    sector = (color.b - color.r) / chroma + 2;
  }
  // A channel is most - chroma · min(k, 4 - k) cut to 0..1, with k = (its place on the circle + 6 hue) mod 6.
  let place = vec3f(5, 3, 1) + sector + 6 * turn;
  let k = place - 6 * floor(place / 6);
  return most - chroma * clamp(min(k, 4 - k), vec3f(), vec3f(1));
}

@compute @workgroup_size(WORKGROUP)
fn color_jitter(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let picture = flat_workgroup(group, groups);
  if (picture >= sizes.batch) {
    return;
  }
  let start = 3 * picture * sizes.pixels;
  for (var i = lane; i < sizes.pixels; i += WORKGROUP) {
    for (var c = 0u; c < 3; c++) {
      y[start + 3 * i + c] = x[start + 3 * i + c];
    }
  }
  for (var turn = 0u; turn < 4; turn++) {
    if (lane == 0) {
      change = u32(drawn[8 * picture + 4 + turn]);
    }
    let now = workgroupUniformLoad(&change);
    let factor = drawn[8 * picture + now];
    var mean = 0.0;
    if (now == CONTRAST) {
      var sum = 0.0;
      for (var i = lane; i < sizes.pixels; i += WORKGROUP) {
        let at = start + 3 * i;
        sum += gray_of(vec3f(y[at], y[at + 1], y[at + 2]));
      }
      sums[lane] = sum;
      for (var half = WORKGROUP / 2; half > 0; half /= 2) {
        workgroupBarrier();
        if (lane < half) {
          sums[lane] += sums[lane + half];
        }
      }
      workgroupBarrier();
      mean = sums[0] / f32(sizes.pixels);
    }
    for (var i = lane; i < sizes.pixels; i += WORKGROUP) {
      let at = start + 3 * i;
      var color = vec3f(y[at], y[at + 1], y[at + 2]);
      switch now {
        case BRIGHTNESS: { color = blend(color, vec3f(), factor); }
        case CONTRAST: { color = blend(color, vec3f(mean), factor); }
        case SATURATION: { color = blend(color, vec3f(gray_of(color)), factor); }
        default: { color = turn_hue(color, factor); }
      }
      y[at] = color.r;
      y[at + 1] = color.g;
      y[at + 2] = color.b;
    }
  }
}
