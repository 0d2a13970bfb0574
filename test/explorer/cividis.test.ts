import { expect, test } from "vitest";
import { cividis } from "../../src/explorer/cividis.ts";

/** CIE 1976 lightness of an sRGB colour, 0 to 100. */
function lightness(rgb: readonly number[]): number {
  const [r, g, b] = rgb.map((level) => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y;
}

test("lightness rises evenly from the first colour to the last, and what is outside has theirs", () => {
  expect(cividis(0)).toEqual([0x00, 0x22, 0x4e]);
  expect(cividis(1)).toEqual([0xfe, 0xe8, 0x38]);
  expect(cividis(-3)).toEqual(cividis(0));
  expect(cividis(7)).toEqual(cividis(1));
  const [first, last] = [lightness(cividis(0)), lightness(cividis(1))];
  for (let i = 1; i < 50; i++) {
    const even = first + ((last - first) * i) / 50;
    expect(Math.abs(lightness(cividis(i / 50)) - even), `at ${i / 50}`).toBeLessThan(2.5);
  }
});
