import { describe, expect, test } from "vitest";
import { changeSaturation, photometricDistortion, turnHue } from "../../src/data/photometricDistortion.ts";
import { testRandom } from "../array64.ts";

/** The bytes after a change of some colours. */
function changed(change: (pixels: Uint8Array) => void, ...rgb: number[]): number[] {
  const pixels = Uint8Array.from(rgb);
  change(pixels);
  return [...pixels];
}

/** Smith's six sectors (1978), from whole hue in pairs of degrees, saturation and value. */
function rgb64(h: number, s: number, v: number): number[] {
  const [sector, rest] = [Math.floor(h / 30), (h / 30) % 1];
  const [p, q, t] = [1, rest, 1 - rest].map((share) => v * (1 - (s / 255) * share));
  return [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ][sector]!.map((x) => Math.round(x!));
}

describe("hue and saturation", () => {
  test("a third of the circle takes red to green, green to blue and blue to red; gray stays", () => {
    const turned = changed((x) => turnHue(x, 60), 255, 0, 0, 0, 200, 0, 0, 0, 9, 77, 77, 77);
    expect(turned).toEqual([0, 255, 0, 0, 0, 200, 9, 0, 0, 77, 77, 77]);
    expect(changed((x) => turnHue(x, -30), 255, 0, 0)).toEqual([255, 0, 255]);
  });

  test("saturation 0 leaves the largest channel everywhere, and more stops at the full colour", () => {
    expect(changed((x) => changeSaturation(x, 0), 200, 100, 50)).toEqual([200, 200, 200]);
    expect(changed((x) => changeSaturation(x, 1.5), 200, 0, 100)).toEqual([200, 0, 100]);
    // S = 255 · 100 / 200 = 128, half of it 64: channels at 200 (1 - 64/255) = 150.
    expect(changed((x) => changeSaturation(x, 0.5), 200, 100, 100)).toEqual([200, 150, 150]);
  });

  test("any hue and saturation comes back as Smith's formula has it", () => {
    const next = testRandom(3);
    for (let i = 0; i < 500; i++) {
      const [hue, saturation, value] = [180, 256, 256].map((n) => Math.floor(next() * n)) as [
        number,
        number,
        number,
      ];
      const rgb = rgb64(hue, saturation, value);
      const same = changed((x) => turnHue(x, 0), ...rgb);
      // Hue is in steps of a thirtieth of a sector, saturation in 255ths: half a step of each, and the rounding.
      const reach = 1 + value * (0.5 / 30 + 0.5 / 255);
      for (const [c, channel] of rgb.entries()) {
        expect(Math.abs(same[c]! - channel)).toBeLessThanOrEqual(reach);
      }
    }
  });
});

describe("photometricDistortion", () => {
  const gray = { width: 2, height: 1, pixels: Uint8Array.of(100, 100, 100, 250, 250, 250) };

  test("changes nothing where every coin falls on no", () => {
    expect(photometricDistortion(gray, () => 0.9).pixels).toEqual(gray.pixels);
  });

  test("follows brightness, saturation, hue and contrast, each rounded to bytes", () => {
    // Coins on yes, contrast last: brightness -16, saturation and hue leave gray, contrast .75.
    expect([...photometricDistortion(gray, () => 0.25).pixels]).toEqual([63, 63, 63, 175, 175, 175]);
    expect([...gray.pixels]).toEqual([100, 100, 100, 250, 250, 250]);
  });

  test("contrast comes before the colour changes by another coin", () => {
    // brightness no; contrast second: yes, factor 1.4; saturation no; hue no.
    const numbers = [0.9, 0.9, 0.1, 0.9, 0.9, 0.9];
    const { pixels } = photometricDistortion(gray, () => numbers.shift()!);
    expect([...pixels]).toEqual([140, 140, 140, 255, 255, 255]);
    expect(numbers).toEqual([]);
  });
});
