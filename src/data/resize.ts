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

type Sides = Pick<Picture, "width" | "height">;

/** A rectangle of a picture, in pixels. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** For each output position: the first source position, and the integer weights from there on. */
type Taps = { first: number; weights: Int32Array }[];

/** Of `output` positions those from `start` on, `count` of them. */
function tapsFor(input: number, output: number, filter: Filter, start: number, count: number): Taps {
  if (input === output) {
    return Array.from({ length: count }, (_, i) => ({
      first: start + i,
      weights: Int32Array.of(2 ** PRECISION),
    }));
  }
  const { support, kernel } = FILTERS[filter];
  const scale = input / output;
  const stretch = Math.max(scale, 1); // a wider kernel when shrinking: this is the antialiasing
  return Array.from({ length: count }, (_, i) => {
    const center = (start + i + 0.5) * scale;
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

/**
 * x [height, width, C] -> y [newHeight, newWidth, C], equal to Pillow's `resize` to the byte. `part` is what of y is computed and
 * returned, all of it when absent.
 */
export function resize(
  picture: Picture,
  width: number,
  height: number,
  filter: Filter = "bicubic",
  part: Rectangle = { left: 0, top: 0, width, height },
): Picture {
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
  checkInside("resize", part, { width, height });
  const columns = tapsFor(picture.width, width, filter, part.left, part.width);
  const rows = tapsFor(picture.height, height, filter, part.top, part.height);
  // Only the rows that some tap of the vertical pass reads go through the horizontal one.
  const first = rows[0]!.first;
  const end = rows.at(-1)!.first + rows.at(-1)!.weights.length;
  const read = picture.pixels.subarray(first * picture.width * channels, end * picture.width * channels);
  const narrow = resampleAxis(read, end - first, picture.width, channels, columns);
  const own = rows.map((row) => ({ ...row, first: row.first - first }));
  const pixels = resampleAxis(narrow, 1, end - first, part.width * channels, own);
  return { width: part.width, height: part.height, pixels };
}

/** Sides of a picture whose shorter one becomes `size`; the longer one is rounded down, as torchvision's `Resize(size)`. */
function shorterSideAt({ width, height }: Sides, size: number): Sides {
  return width <= height
    ? { width: size, height: Math.floor((size * height) / width) }
    : { width: Math.floor((size * width) / height), height: size };
}

/** Scales so that the shorter side is `size`. */
export function resizeShorterSide(picture: Picture, size: number, filter: Filter = "bicubic"): Picture {
  const { width, height } = shorterSideAt(picture, size);
  return resize(picture, width, height, filter);
}

function checkInside(where: string, { left, top, width, height }: Rectangle, whole: Sides): void {
  if (left < 0 || top < 0 || left + width > whole.width || top + height > whole.height) {
    throw new Error(
      `${where}: the rectangle must lie inside ${whole.width} x ${whole.height}; ` +
        `got ${width} x ${height} at (${left}, ${top}).`,
    );
  }
}

/** Cuts the rectangle at (left, top): x [H, W, C] -> y [height, width, C]. It must lie inside. */
export function crop(picture: Picture, left: number, top: number, width: number, height: number): Picture {
  checkInside("crop", { left, top, width, height }, picture);
  const channels = picture.pixels.length / (picture.width * picture.height);
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    pixels.set(picture.pixels.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, pixels };
}

/** The middle `size` x `size` of a picture, with torchvision's rounding of the corner (half to even). */
const middleOf = ({ width, height }: Sides, size: number): Rectangle => ({
  left: roundHalfEven((width - size) / 2),
  top: roundHalfEven((height - size) / 2),
  width: size,
  height: size,
});

/** Cuts out the middle `size` x `size`. */
export function centerCrop(picture: Picture, size: number): Picture {
  const { left, top } = middleOf(picture, size);
  return crop(picture, left, top, size, size);
}

/** Left for right: values [H, W, C] of a picture, its pixels or its labels -> [H, W, C]. */
export function mirrored<V extends Uint8Array | Uint16Array>(values: V, { width, height }: Sides): V {
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

/**
 * The middle square of a picture, scaled to `size` (shorter side first); unchanged where it has this size already. The bytes of
 * `centerCrop` of `resizeShorterSide`, of which no more is computed: 3000 x 1 scaled as a whole would be 672,000 pixels long.
 */
export function fitSquare(picture: Picture, size: number, filter: Filter = "bicubic"): Picture {
  if (picture.width === size && picture.height === size) return picture;
  const scaled = shorterSideAt(picture, size);
  return resize(picture, scaled.width, scaled.height, filter, middleOf(scaled, size));
}
