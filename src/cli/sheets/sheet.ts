import { type Picture, resize } from "../../data/resize.ts";
import type { Box } from "../../eval/maps/featureMaps.ts";
import { encodePng } from "./png.ts";
import { eachDot, LETTER } from "./sheetFont.ts";

export type Colour = readonly [red: number, green: number, blue: number];

const PAPER = 255;
const INK: Colour = [40, 40, 40];
/** What is left of the light around a place. */
const DIMMED = 0.55;

/** Height of a line of text at a scale, pixels. */
export const lineHeight = (scale: number): number => LETTER.height * scale;
/** Width of a text at a scale, pixels. */
export const widthOf = (text: string, scale: number): number => text.length * LETTER.width * scale;

/** A white page on which pictures and words are put; becomes a PNG. All places are pixels from the upper left. */
export class Sheet {
  readonly width: number;
  readonly height: number;
  /** RGB, row by row. */
  readonly #pixels: Uint8ClampedArray;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#pixels = new Uint8ClampedArray(width * height * 3).fill(PAPER);
  }

  /** Puts a picture, scaled to a square: smoothly, or each pixel as a square of its own. */
  put(picture: Picture, left: number, top: number, side: number, how: "smooth" | "squares" = "smooth"): void {
    const { width, height } = picture;
    const scaled = how === "smooth" ? resize(picture, side, side).pixels : null;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const nearest = Math.floor((y * height) / side) * width + Math.floor((x * width) / side);
        const from = scaled ? (y * side + x) * 3 : nearest * 3;
        const [r, g, b] = (scaled ?? picture.pixels).subarray(from, from + 3);
        this.#set(left + x, top + y, [r!, g!, b!]);
      }
    }
  }

  /** Puts a picture with a place in it outlined and, where it is one among others, darker around it. */
  putPlace(
    picture: Picture,
    box: Box,
    {
      left,
      top,
      side,
      colour,
      dim,
    }: { left: number; top: number; side: number; colour: Colour; dim: boolean },
  ): void {
    this.put(picture, left, top, side);
    const [x0, y0] = [Math.round(box.left * side), Math.round(box.top * side)];
    const [x1, y1] = [Math.round((box.left + box.width) * side), Math.round((box.top + box.height) * side)];
    const line = Math.max(2, Math.round(side / 48));
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const inward = Math.min(x - x0, x1 - 1 - x, y - y0, y1 - 1 - y); // below 0 outside
        if (inward >= 0 && inward < line) this.#set(left + x, top + y, colour);
        else if (inward < 0 && dim) this.#scale(left + x, top + y, DIMMED);
      }
    }
  }

  /** Writes a text whose letters are `LETTER` times the scale. */
  write(text: string, left: number, top: number, scale: number, colour: Colour = INK): void {
    eachDot(text, (x, y) => {
      for (let i = 0; i < scale * scale; i++) {
        this.#set(left + x * scale + (i % scale), top + y * scale + Math.floor(i / scale), colour);
      }
    });
  }

  png(): Uint8Array {
    return encodePng(this.width, this.height, this.#pixels);
  }

  #set(x: number, y: number, colour: Colour): void {
    if (x >= 0 && x < this.width && y >= 0 && y < this.height) {
      this.#pixels.set(colour, (y * this.width + x) * 3);
    }
  }

  #scale(x: number, y: number, factor: number): void {
    const at = (y * this.width + x) * 3;
    for (let c = at; c < at + 3; c++) this.#pixels[c]! *= factor;
  }
}
