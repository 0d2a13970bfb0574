import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { STYLE } from "../../src/explorer/style.ts";

/** Relative luminance of a colour `#rrggbb`, WCAG 2.2. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [bright, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (bright + 0.05) / (dark + 0.05);
}

/** A colour of a style sheet in the light and in the dark. */
function coloursOf(style: string, name: string): string[] {
  const found = new RegExp(`--${name}: .*?light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(style);
  return found!.slice(1);
}

test.each([
  ["the explorer", STYLE, ["card"]],
  ["the pages", readFileSync("web/style.css", "utf8"), ["card", "paper"]],
])(
  "borders of fields of %s stand out, and text is read, in the light and in the dark",
  (_, style, behind) => {
    for (const [name, least] of [
      ["field", 3], // WCAG 1.4.11
      ["ink", 4.5],
      ["soft", 4.5],
      ["accent", 4.5],
      ["bad", 4.5],
    ] as const) {
      for (const ground of behind) {
        for (const [i, colour] of coloursOf(style, name).entries()) {
          expect(contrast(colour, coloursOf(style, ground)[i]!), `${name} on ${ground}`).toBeGreaterThan(
            least,
          );
        }
      }
    }
  },
);

test("fields have that border", () => {
  expect(STYLE).toMatch(/select \{[^}]*border: 1px solid var\(--field\)/);
  expect(readFileSync("web/style.css", "utf8")).toMatch(
    /\ninput,\nselect \{[^}]*border: 1px solid var\(--field\)/,
  );
});
