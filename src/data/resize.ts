/**
 * Antialiased resampling that gives Pillow's bytes (`Image.resize`, Pillow's src/libImaging/Resample.c):
 * separable, horizontal pass first, 22-bit integer weights, rounded to uint8 between the passes.
 */

/** Pictures with interleaved uint8 channels: pixels [height, width, channels]. */
export interface Picture {
  width: number;
  height: number;
  pixels: Uint8Array;
}

export type Filter = "bicubic" | "bilinear" | "lanczos";

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Kernel and half width, in source pixels when enlarging. Bicubic is Keys' kernel with a = -0.5. */
const FILTERS: Record<Filter, { support: number; kernel: (x: number) => number }> = {
  bilinear: { support: 1, kernel: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    kernel(signed) {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
      return 0;
    },
  },
  lanczos: { support: 3, kernel: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Weights are integers scaled by 2^22: 8 bits stay for the pixel and 2 for the overshoot of bicubic. */
const PRECISION = 22;

/** For each output position: the first source position, and the integer weights from there on. */
type Taps = { first: number; weights: Int32Array }[];

function tapsFor(input: number, output: number, filter: Filter): Taps {
  const { support, kernel } = FILTERS[filter];
  const scale = input / output;
  const stretch = Math.max(scale, 1); // a wider kernel when shrinking: this is the antialiasing
  return Array.from({ length: output }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support * stretch + 0.5));
    const end = Math.min(input, Math.trunc(center + support * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) =>
      kernel((first + k - center + 0.5) * (1 / stretch)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    const fixed = weights.map((w) => {
      const scaled = (sum === 0 ? w : w / sum) * 2 ** PRECISION;
      return Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    });
    return { first, weights: Int32Array.from(fixed) };
  });
}

/**
 * Resamples along one axis of x [outer, input, inner] -> y [outer, output, inner].
 * The horizontal pass has inner = channels, the vertical one inner = width x channels.
 */
function resampleAxis(x: Uint8Array, outer: number, input: number, inner: number, taps: Taps): Uint8Array {
  const output = taps.length;
  const y = new Uint8Array(outer * output * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < output; i++) {
      const { first, weights } = taps[i]!;
      const from = (o * input + first) * inner;
      const to = (o * output + i) * inner;
      for (let c = 0; c < inner; c++) {
        let sum = 1 << (PRECISION - 1);
        for (let k = 0; k < weights.length; k++) sum += x[from + k * inner + c]! * weights[k]!;
        const value = sum >> PRECISION;
        y[to + c] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
  return y;
}

/** x [height, width, C] -> y [newHeight, newWidth, C], equal to Pillow's `resize` to the byte. */
export function resize(picture: Picture, width: number, height: number, filter: Filter = "bicubic"): Picture {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new Error(`resize: the new size must be positive integers; got ${width} x ${height}.`);
  }
  const channels = picture.pixels.length / (picture.width * picture.height);
  if (!Number.isInteger(channels) || channels === 0) {
    throw new Error(
      `resize: pixels must hold whole channels of ${picture.width} x ${picture.height}; ` +
        `got ${picture.pixels.length} bytes.`,
    );
  }
  let { pixels } = picture;
  if (width !== picture.width) {
    const taps = tapsFor(picture.width, width, filter);
    pixels = resampleAxis(pixels, picture.height, picture.width, channels, taps);
  }
  if (height !== picture.height) {
    const taps = tapsFor(picture.height, height, filter);
    pixels = resampleAxis(pixels, 1, picture.height, width * channels, taps);
  }
  return { width, height, pixels: pixels === picture.pixels ? Uint8Array.from(pixels) : pixels };
}

/** Scales so that the shorter side is `size`; the longer one is rounded down, as torchvision's `Resize(size)`. */
export function resizeShorterSide(picture: Picture, size: number, filter: Filter = "bicubic"): Picture {
  const { width, height } = picture;
  return width <= height
    ? resize(picture, size, Math.floor((size * height) / width), filter)
    : resize(picture, Math.floor((size * width) / height), size, filter);
}

/** Cuts the rectangle at (left, top): x [H, W, C] -> y [height, width, C]. It must lie inside. */
export function crop(picture: Picture, left: number, top: number, width: number, height: number): Picture {
  if (left < 0 || top < 0 || left + width > picture.width || top + height > picture.height) {
    throw new Error(
      `crop: the rectangle must lie inside ${picture.width} x ${picture.height}; ` +
        `got ${width} x ${height} at (${left}, ${top}).`,
    );
  }
  const channels = picture.pixels.length / (picture.width * picture.height);
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    pixels.set(picture.pixels.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, pixels };
}

/** The middle `size` x `size`, with torchvision's rounding of the corner (half to even). */
export function centerCrop(picture: Picture, size: number): Picture {
  const left = roundHalfEven((picture.width - size) / 2);
  const top = roundHalfEven((picture.height - size) / 2);
  return crop(picture, left, top, size, size);
}

/** Left for right: values [H, W, C] of a picture, its pixels or its labels -> [H, W, C]. */
export function mirrored<V extends Uint8Array | Uint16Array>(
  values: V,
  { width, height }: Pick<Picture, "width" | "height">,
): V {
  const channels = values.length / (width * height);
  const turned = values.slice() as V;
  for (let at = 0; at < width * height; at++) {
    const x = at % width;
    const from = (at - x + (width - 1 - x)) * channels;
    for (let c = 0; c < channels; c++) turned[at * channels + c] = values[from + c]!;
  }
  return turned;
}

/** Python's `round`: to the nearest integer, a half to the even one. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const fraction = x - down;
  if (fraction !== 0.5) return fraction < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** The middle square of a picture, scaled to `size` (shorter side first); unchanged where it has this size already. */
export function fitSquare(picture: Picture, size: number, filter: Filter = "bicubic"): Picture {
  if (picture.width === size && picture.height === size) return picture;
  return centerCrop(resizeShorterSide(picture, size, filter), size);
}
