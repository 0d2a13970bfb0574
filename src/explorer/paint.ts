// Arrays on canvases.
import { type Grid, nearestPlace } from "../index.ts";
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

/** Pixels of a heat map along a window's side: enough that each pixel is nearest to one window. */
const OF_WINDOW = 4;

/**
 * Paints values [rows, columns] in the colours between two limits, each where its place is the nearest: a pixel where places
 * tile the picture. CSS makes it as large as its picture.
 */
export function paintHeat(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  grid: Grid,
  [low, high]: readonly [number, number],
): void {
  const share = (value: number) => (high > low ? (value - low) / (high - low) : 1);
  const pixels = (count: number) => (grid.share === undefined ? count : Math.round(OF_WINDOW / grid.share));
  const [width, height] = [pixels(grid.columns), pixels(grid.rows)];
  const colours = Array.from(values, (value) => cividis(share(value)));
  const rgb = Array.from({ length: width * height }, (_, i) => {
    const point = { picture: 0, x: ((i % width) + 0.5) / width, y: (Math.floor(i / width) + 0.5) / height };
    const { row, column } = nearestPlace(grid, point);
    return colours[row * grid.columns + column]!;
  });
  paintRgb(canvas, rgb.flat(), width, height);
}
