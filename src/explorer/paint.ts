// Arrays on canvases.
import { type Grid, nearestPlace, type Picture, resizePicture } from "../index.ts";
import { cividis } from "./cividis.ts";

/** What a canvas takes of a picture: pixels [height, width, 3]. */
type Painted = Omit<Picture, "pixels"> & { pixels: ArrayLike<number> };

/**
 * Paints a picture on a canvas, which gets its size. It is asked for once more after a loss of the graphics device, so that
 * none is kept for that.
 */
export function paint(canvas: HTMLCanvasElement, pictureOf: () => Painted): void {
  const context = canvas.getContext("2d");
  if (!context) {
    throw new Error(
      "paint: the browser must give a canvas a 2D context; it gave none. Show fewer pictures, or close other pages",
    );
  }
  const draw = () => {
    const { width, height, pixels } = pictureOf();
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const image = new ImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        image.data[4 * pixel + channel] = pixels[3 * pixel + channel]!;
      }
      image.data[4 * pixel + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
  draw();
  canvas.oncontextrestored = draw;
}

/** A picture with no more pixels along a side than these, which is as much of it as a screen shows; itself where it has them not. */
export function atMost(picture: Picture, side: number): Picture {
  const { width, height } = picture;
  const share = side / Math.max(width, height);
  if (share >= 1) return picture;
  const shrunk = (length: number) => Math.max(1, Math.round(share * length));
  return resizePicture(picture, shrunk(width), shrunk(height), "bilinear");
}

/** Pixels of a heat map along a window's side: enough that each pixel is nearest to one window. */
const OF_WINDOW = 4;

/**
 * Values [rows, columns] in the colours between two limits, each where its place is the nearest: a pixel where places tile the
 * picture. CSS makes it as large as its picture.
 */
export function heatPicture(
  values: ArrayLike<number>,
  grid: Grid,
  [low, high]: readonly [number, number],
): Picture {
  const share = (value: number) => (high > low ? (value - low) / (high - low) : 1);
  const side = (count: number) => (grid.share === undefined ? count : Math.round(OF_WINDOW / grid.share));
  const [width, height] = [side(grid.columns), side(grid.rows)];
  const colours = Array.from(values, (value) => cividis(share(value)));
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const point = { picture: 0, x: ((i % width) + 0.5) / width, y: (Math.floor(i / width) + 0.5) / height };
    const { row, column } = nearestPlace(grid, point);
    pixels.set(colours[row * grid.columns + column]!, 3 * i);
  }
  return { width, height, pixels };
}
