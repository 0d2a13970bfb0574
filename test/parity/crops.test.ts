import { expect, test } from "vitest";
import { randomResizedCrop } from "../../src/data/randomResizedCrop.ts";
import { type CropCase, loadCrops } from "./fixture.ts";

const crops = loadCrops();
const isShare = ({ scale }: CropCase) => scale[1] <= 1;

/** Our crop for the uniforms of a case, and how many of them it used. */
function cropOf({ imageWidth, imageHeight, scale, ratio, uniforms }: CropCase) {
  let taken = 0;
  const next = () => uniforms[taken++] ?? Number.NaN;
  return { box: randomResizedCrop(imageWidth, imageHeight, scale, ratio, next), taken };
}

test.each(crops.filter(isShare))(
  "$imageWidth x $imageHeight, scale $scale, ratio $ratio: torchvision's $width x $height",
  (crop) => {
    const { top, left, height, width, isFallback, uniforms } = crop;
    const { box, taken } = cropOf(crop);
    expect(box).toEqual({ top, left, height, width });
    expect(taken).toBe(isFallback ? 20 : uniforms.length);
  },
);

test("scales beyond the whole area, which torchvision lets pass, are refused", () => {
  const beyond = crops.filter((crop) => !isShare(crop));
  expect(beyond.length).toBeGreaterThan(0);
  for (const crop of beyond) expect(() => cropOf(crop)).toThrow("It is a share of the area, not a side.");
});
