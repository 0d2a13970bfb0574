/**
 * From a JPEG's coefficients to samples, as libjpeg makes them to the bit: its accurate integer inverse DCT
 * (jidctint.c, after Loeffler, Ligtenberg and Moschytz 1989) and its smooth upsampling (jdsample.c).
 */
import type { Blocks } from "./jpegCoefficients.ts";
import { componentSize, type JpegComponent, type JpegFrame, mcuGrid } from "./jpegFile.ts";

/** A component's samples [height, width] of the frame. */
export function componentSamples(frame: JpegFrame, component: JpegComponent, blocks: Blocks): Uint8Array {
  const { stride, coefficients, quant } = blocks;
  const plane = new Uint8Array(coefficients.length);
  for (let block = 0; block * 64 < coefficients.length; block++) {
    const offset = (Math.floor(block / stride) * stride * 8 + (block % stride)) * 8;
    inverseDct(coefficients.subarray(block * 64, block * 64 + 64), quant, plane, offset, stride * 8);
  }
  return upsample(frame, component, plane, stride * 8);
}

/** One row or column of the inverse DCT: 8 values from `at` on, `step` apart, in place, divided by 2^shift and rounded. */
function inverseDct8(x: Float64Array, at: number, step: number, shift: number): void {
  const [x0, x1, x2, x3] = [x[at]!, x[at + step]!, x[at + 2 * step]!, x[at + 3 * step]!];
  const [x4, x5, x6, x7] = [x[at + 4 * step]!, x[at + 5 * step]!, x[at + 6 * step]!, x[at + 7 * step]!];
  const z26 = (x2 + x6) * 4433;
  const even2 = z26 - x6 * 15137;
  const even3 = z26 + x2 * 6270;
  const even0 = (x0 + x4) * 8192;
  const even1 = (x0 - x4) * 8192;
  const even = [even0 + even3, even1 + even2, even1 - even2, even0 - even3];
  const z5 = (x7 + x3 + x5 + x1) * 9633;
  const z1 = (x7 + x1) * -7373;
  const z2 = (x5 + x3) * -20995;
  const z3 = (x7 + x3) * -16069 + z5;
  const z4 = (x5 + x1) * -3196 + z5;
  const odd = [x1 * 12299 + z1 + z4, x3 * 25172 + z2 + z3, x5 * 16819 + z2 + z4, x7 * 2446 + z1 + z3];
  const [half, scale] = [2 ** (shift - 1), 2 ** -shift];
  for (let i = 0; i < 4; i++) {
    x[at + i * step] = Math.floor((even[i]! + odd[i]! + half) * scale);
    x[at + (7 - i) * step] = Math.floor((even[i]! - odd[i]! + half) * scale);
  }
}

/** plane[y, x] = 128 + the inverse DCT of coefficient x quant, limited to 0..255. */
function inverseDct(
  coefficients: Int16Array,
  quant: Uint16Array,
  plane: Uint8Array,
  offset: number,
  stride: number,
): void {
  const x = Float64Array.from(coefficients, (value, i) => value * quant[i]!);
  for (let column = 0; column < 8; column++) inverseDct8(x, column, 8, 11);
  for (let row = 0; row < 8; row++) inverseDct8(x, row * 8, 1, 18);
  for (let i = 0; i < 64; i++) plane[offset + (i >> 3) * stride + (i & 7)] = limit(x[i]! + 128);
}

/**
 * plane -> [height, width]: each sample leans a quarter on its neighbour where a side is halved, as libjpeg's "fancy"
 * upsampling does, and is repeated otherwise.
 */
function upsample(frame: JpegFrame, component: JpegComponent, plane: Uint8Array, stride: number): Uint8Array {
  const { width, height } = frame;
  const { maxH, maxV } = mcuGrid(frame);
  const { columns, rows } = componentSize(frame, component);
  const [timesX, timesY] = [maxH / component.h, maxV / component.v];
  const smooth = timesX <= 2 && timesY <= 2 && (timesX === 1 || columns > 2);
  const smoothX = smooth && timesX === 2;
  const smoothY = smooth && timesY === 2;
  /** The neighbour on whose side position `i` of a doubled axis lies. */
  const beside = (i: number, size: number): number =>
    Math.max(0, Math.min(size - 1, (i >> 1) + (i % 2 === 0 ? -1 : 1)));
  const samples = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const near = Math.floor(y / timesY) * stride;
    const far = smoothY ? beside(y, rows) * stride : near;
    const column = (x: number): number =>
      smoothY ? 3 * plane[near + x]! + plane[far + x]! : plane[near + x]!;
    for (let x = 0; x < width; x++) {
      const value = column(Math.floor(x / timesX));
      if (smoothX) {
        const both = 3 * value + column(beside(x, columns));
        samples[y * width + x] = smoothY ? (both + 8 - (x % 2)) >> 4 : (both + 1 + (x % 2)) >> 2;
      } else samples[y * width + x] = smoothY ? (value + 1 + (y % 2)) >> 2 : value;
    }
  }
  return samples;
}

/** The nearest value in 0..255 to an integer. */
export const limit = (x: number): number => Math.max(0, Math.min(255, x));
