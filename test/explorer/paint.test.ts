import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { atMost, heatPicture, paint } from "../../src/explorer/paint.ts";
import type { Picture } from "../../src/index.ts";

/** What a browser has for that: rgba [height, width, 4]. */
class FakeImageData {
  readonly data: Uint8ClampedArray;

  constructor(width: number, height: number) {
    this.data = new Uint8ClampedArray(width * height * 4);
  }
}

beforeEach(() => vi.stubGlobal("ImageData", FakeImageData));
afterEach(() => vi.unstubAllGlobals());

/** A canvas that keeps what was put on it last. */
function fakeCanvas() {
  const put: FakeImageData[] = [];
  const canvas = {
    ...{ width: 300, height: 150, oncontextrestored: null as (() => void) | null },
    getContext: () => ({ putImageData: (image: FakeImageData) => put.push(image) }),
  };
  return { put, canvas, element: canvas as unknown as HTMLCanvasElement };
}

const dots: Picture = { width: 2, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) };

test("a picture is painted, and asked for again after a loss of the graphics device", () => {
  const { put, canvas, element } = fakeCanvas();
  const pictureOf = vi.fn(() => dots);
  paint(element, pictureOf);
  expect([canvas.width, canvas.height]).toEqual([2, 1]);
  canvas.oncontextrestored!();
  expect(pictureOf).toHaveBeenCalledTimes(2);
  for (const { data } of put) expect([...data]).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
  expect(put).toHaveLength(2);
  expect(put[0]).not.toBe(put[1]); // nothing was kept
});

test("a browser without a context for a canvas is a sentence", () => {
  const none = { getContext: () => null } as unknown as HTMLCanvasElement;
  expect(() => paint(none, () => dots)).toThrow(
    "paint: the browser must give a canvas a 2D context; it gave none. Show fewer pictures, or close other pages",
  );
});

test("large pictures are shrunk, the longer side to the most there may be; small ones are themselves", () => {
  const large = { width: 2048, height: 512, pixels: new Uint8Array(2048 * 512 * 3).fill(77) };
  const { width, height, pixels } = atMost(large, 256);
  expect([width, height]).toEqual([256, 64]);
  expect(new Set(pixels)).toEqual(new Set([77]));
  expect(atMost({ ...dots, width: 6, height: 1, pixels: new Uint8Array(18) }, 2).height).toBe(1);
  expect(atMost(dots, 2)).toBe(dots);
});

test("a heat map has a pixel for each patch, the most in the brightest colour", () => {
  const { width, height, pixels } = heatPicture([0, 1, 0.5, 1], { rows: 2, columns: 2 }, [0, 1]);
  expect([width, height]).toEqual([2, 2]);
  expect([...pixels.subarray(0, 6)]).toEqual([0x00, 0x22, 0x4e, 0xfe, 0xe8, 0x38]);
  expect(pixels.subarray(9, 12)).toEqual(pixels.subarray(3, 6));
});
