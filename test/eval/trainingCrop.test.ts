import { expect, test } from "vitest";
import { type Picture, resize } from "../../src/data/resize.ts";
import { trainingView, trainingViews } from "../../src/eval/probes/trainingCrop.ts";
import { testRandom } from "../array64.ts";

const next = testRandom(1);
const picture: Picture = {
  width: 12,
  height: 9,
  pixels: Uint8Array.from({ length: 324 }, () => 256 * next()),
};
const HOW = { singleShot: false, filter: "bilinear" } as const;

/** Numbers in the order in which crops take them: area, shape, top, left, and whether to mirror. */
const uniforms = (...numbers: number[]) => {
  const left = [...numbers];
  return () => left.shift() ?? 0;
};

test("a view is the crop resized, and mirrored below a half", () => {
  // The whole area at 4 : 3 is the whole picture.
  const whole = trainingView(picture, HOW, 6, uniforms(1 - 1e-9, 1 - 1e-9, 0, 0, 0.5));
  expect(whole.pixels).toEqual(resize(picture, 6, 6, "bilinear").pixels);
  const turned = trainingView(picture, HOW, 6, uniforms(1 - 1e-9, 1 - 1e-9, 0, 0, 0.49));
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column < 6; column++) {
      const [a, b] = [3 * (6 * row + column), 3 * (6 * row + 5 - column)];
      expect(turned.pixels.subarray(a, a + 3)).toEqual(whole.pixels.subarray(b, b + 3));
    }
  }
});

test("MAE's crop is clamped where torchvision's is drawn again, and the filter is the recipe's", () => {
  const tall = () => uniforms(1 - 1e-9, 0, 0.5, 0.5, 0.9); // 9 wide and 12 high: too high
  const clamped = trainingView(picture, { singleShot: true, filter: "bilinear" }, 6, tall());
  expect(clamped.pixels).not.toEqual(trainingView(picture, HOW, 6, tall()).pixels);
  const bicubic = trainingView(
    picture,
    { ...HOW, filter: "bicubic" },
    6,
    uniforms(1 - 1e-9, 1 - 1e-9, 0, 0, 1),
  );
  expect(bicubic.pixels).toEqual(resize(picture, 6, 6, "bicubic").pixels);
});

test("views differ by epoch, picture and seed, and are the same again", () => {
  const of = (seed: number, index: number, epoch: number) =>
    `${trainingViews(HOW, { size: 6, seed, count: 10 })(picture, index, epoch).pixels}`;
  const all = [of(1, 0, 0), of(1, 1, 0), of(1, 0, 1), of(2, 0, 0)];
  expect(new Set(all).size).toBe(4);
  expect(of(1, 0, 0)).toBe(all[0]);
});
