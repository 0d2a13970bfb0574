import { encode as encodePng } from "@jsquash/png/codec/pkg/squoosh_png.js";
import { beforeAll, expect, test } from "vitest";
import type { Decoder } from "../../src/data/decode.ts";
import { openDecoder } from "./codec.ts";

let decode: Decoder;
beforeAll(async () => {
  decode = await openDecoder();
});

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** 13 x 11, red grows with x, green with y, blue with both; CMYK, written by Pillow 12.3. */
const CMYK = fromBase64(
  "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAGBAUGBQQGBgUGBwcGCAoQCgoJCQoUDg8MEBcUGBgXFBYWGh0lHxobIxwWFiAsICMmJykqKRkfLTAtKDAl" +
    "KCko/8AAFAgACwANBEMRAE0RAFkRAEsRAP/EABcAAAMBAAAAAAAAAAAAAAAAAAAHCAT/xAAnEAABAAUNAQAAAAAAAAAAAAAAAQMGgaECBAUHFBUX" +
    "IjI1Q1RjJP/aAA4EQwBNAFkASwAAPwBUVW8Lhd4X+EBUMsz2jJAqkq5jtrQ4ML/CA16GZ75dEAJRqt4XFaXdM+vIMTLKFWTIgCrmO2tDgu6Z9eQN" +
    "ehlCqy6EAf/Z",
);

test("a CMYK JPEG becomes what Pillow makes of it", () => {
  const { width, height, pixels } = decode("cmyk.jpg", CMYK);
  expect([width, height]).toEqual([13, 11]);
  const expected: [number, number, number[]][] = [
    [0, 0, [0, 1, 0]],
    [6, 5, [107, 109, 100]],
    [12, 10, [215, 219, 196]],
    [11, 2, [198, 45, 118]],
    [1, 9, [19, 199, 89]],
  ];
  for (const [x, y, rgb] of expected) {
    rgb.forEach((value, c) => {
      // within 1: Pillow's inverse DCT is in integers
      expect(Math.abs(pixels[(y * width + x) * 3 + c]! - value)).toBeLessThanOrEqual(1);
    });
  }
});

test("a PNG keeps its colours and loses its alpha", () => {
  const file = encodePng(Uint8Array.of(1, 2, 3, 128, 4, 5, 6, 0), 2, 1, 8);
  expect(decode("alpha.png", file)).toEqual({ width: 2, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) });
});

test("cut and damaged files are named", () => {
  expect(() => decode("a.jpg", CMYK.subarray(0, 200))).toThrow(
    'decode: a.jpg must be a whole sequential CMYK JPEG; got 200 bytes with "premature end of file"',
  );
  const png = encodePng(
    new Uint8Array(64 * 64 * 4).map((_, i) => (i * i) % 251),
    64,
    64,
    8,
  );
  expect(() => decode("b.png", png.subarray(0, png.length >> 1))).toThrow(
    /^decode: b.png must be a whole PNG file/,
  );
  expect(() => decode("c.jpg", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2))).toThrow(
    /^decode: c.jpg must be a whole JPEG file; got 8 bytes with "Premature end of JPEG file/,
  );
  expect(() => decode("d.jpg", new Uint8Array(0))).toThrow("d.jpg must be a JPEG or PNG file; got 0 bytes");
  expect(decode("good.png", encodePng(Uint8Array.of(9, 8, 7, 255), 1, 1, 8)).pixels).toEqual(
    Uint8Array.of(9, 8, 7),
  );
});
