// Arrays on canvases.
import { cividis } from "./cividis.ts";

/** Paints rgb [height, width, 3] on a canvas, which gets that size. */
export function paintRgb(
  canvas: HTMLCanvasElement,
  rgb: ArrayLike<number>,
  width: number,
  height: number,
): void {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * pixel + channel] = rgb[3 * pixel + channel]!;
    }
    image.data[4 * pixel + 3] = 255;
  }
  const context = canvas.getContext("2d")!;
  context.putImageData(image, 0, 0);
  canvas.oncontextrestored = () => context.putImageData(image, 0, 0); // after a loss of the graphics device
}

/** Paints values [rows, columns] in the colours between two limits, a pixel each: CSS makes it as large as its picture. */
export function paintHeat(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  columns: number,
  [low, high]: readonly [number, number],
): void {
  const share = (value: number) => (high > low ? (value - low) / (high - low) : 1);
  const rgb = Array.from(values, (value) => cividis(share(value))).flat();
  paintRgb(canvas, rgb, columns, values.length / columns);
}
