/**
 * mmseg 0.x `PhotoMetricDistortion`, on bytes as there: each change is rounded back to bytes before the next. Its colours are
 * OpenCV's, whose hue counts pairs of degrees, 0 to 179. What differs: hue and saturation are rounded from float64, OpenCV's from
 * a table of 20 bits, which tells them apart by 1 at most.
 */
import type { Uniform } from "./randomResizedCrop.ts";
import type { Picture } from "./resize.ts";

const BRIGHTNESS = 32;
const FACTOR = [0.5, 1.5] as const;
const HUE = 18;
const HUES = 180;

/**
 * Brightness, contrast, saturation and hue, each by a coin; contrast comes second or last, by another coin. pixels [H, W, 3] ->
 * other pixels.
 */
export function photometricDistortion({ width, height, pixels }: Picture, next: Uniform): Picture {
  const changed = Uint8Array.from(pixels);
  const coin = (): boolean => next() < 0.5;
  const factor = (): number => FACTOR[0] + (FACTOR[1] - FACTOR[0]) * next();
  const contrast = (): void => {
    if (coin()) changeLevels(changed, factor(), 0);
  };
  if (coin()) changeLevels(changed, 1, BRIGHTNESS * (2 * next() - 1));
  const contrastIsLast = coin();
  if (!contrastIsLast) contrast();
  if (coin()) changeSaturation(changed, factor());
  if (coin()) turnHue(changed, Math.floor(2 * HUE * next()) - HUE);
  if (contrastIsLast) contrast();
  return { width, height, pixels: changed };
}

/** As numpy's astype(uint8) after a clip: towards 0. */
const toByte = (value: number): number => Math.trunc(Math.min(255, Math.max(0, value)));

/** v alpha + beta for every byte. */
function changeLevels(pixels: Uint8Array, alpha: number, beta: number): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = toByte(pixels[i]! * alpha + beta);
}

/** Saturation, a byte, times `alpha`. */
export function changeSaturation(pixels: Uint8Array, alpha: number): void {
  changeHsv(pixels, (hsv) => {
    hsv[1] = toByte(hsv[1] * alpha);
  });
}

/** Hue, in pairs of degrees, plus `turn`. */
export function turnHue(pixels: Uint8Array, turn: number): void {
  changeHsv(pixels, (hsv) => {
    hsv[0] = (hsv[0] + turn + HUES) % HUES;
  });
}

type Triple = [number, number, number];

function changeHsv(pixels: Uint8Array, change: (hsv: Triple) => void): void {
  const hsv: Triple = [0, 0, 0];
  for (let i = 0; i < pixels.length; i += 3) {
    toHsv(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!, hsv);
    change(hsv);
    for (let c = 0; c < 3; c++) pixels[i + c] = channelOf(hsv, c);
  }
}

/** Bytes r, g, b -> whole hue in [0, 180), saturation and value in [0, 255]. */
function toHsv(r: number, g: number, b: number, out: Triple): void {
  const value = Math.max(r, g, b);
  const range = value - Math.min(r, g, b);
  const sixths =
    range === 0 ? 0 : value === r ? (g - b) / range : value === g ? 2 + (b - r) / range : 4 + (r - g) / range;
  out[0] = (Math.round(30 * sixths) + HUES) % HUES;
  out[1] = value === 0 ? 0 : Math.round((255 * range) / value);
  out[2] = value;
}

/** The byte of red, green or blue (n = 5, 3, 1): V - V S max(0, min(k, 4 - k, 1)), k = n + hue in sixths of the circle. */
function channelOf([hue, saturation, value]: Triple, channel: number): number {
  const k = (5 - 2 * channel + hue / 30) % 6;
  const share = Math.max(0, Math.min(k, 4 - k, 1));
  return Math.round(value * (1 - (saturation / 255) * share));
}
