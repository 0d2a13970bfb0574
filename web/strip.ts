import type { Reconstruction } from "../src/eval/reconstruct.ts";

/** Three rows of small pictures: original, masked, reconstructed. */
export class Strip {
  readonly #rows: Record<keyof Reconstruction, HTMLElement>;

  constructor(rows: Record<keyof Reconstruction, HTMLElement>) {
    this.#rows = rows;
  }

  /** Shows `count` square pictures of a side in each row. views: uint8 RGB [count, side, side, 3]. */
  show(views: Reconstruction, count: number, side: number): void {
    for (const [key, row] of Object.entries(this.#rows) as [keyof Reconstruction, HTMLElement][]) {
      const bytes = side * side * 3;
      while (row.children.length > count) row.lastChild!.remove();
      for (let i = 0; i < count; i++) {
        const canvas = (row.children[i] ??
          row.appendChild(document.createElement("canvas"))) as HTMLCanvasElement;
        paint(canvas, views[key].subarray(i * bytes, (i + 1) * bytes), side);
      }
    }
  }
}

/** Paints rgb [side, side, 3]. */
function paint(canvas: HTMLCanvasElement, rgb: Uint8ClampedArray, side: number): void {
  if (canvas.width !== side || canvas.height !== side) {
    canvas.width = side;
    canvas.height = side;
  }
  const image = new ImageData(side, side);
  for (let pixel = 0; pixel < side * side; pixel++) {
    image.data.set(rgb.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
    image.data[4 * pixel + 3] = 255;
  }
  const context = canvas.getContext("2d")!;
  context.putImageData(image, 0, 0);
  canvas.oncontextrestored = () => context.putImageData(image, 0, 0); // after a loss of the graphics device
}
