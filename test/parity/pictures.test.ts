import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import type { Augmentation } from "../../src/pictures/augment.ts";
import { colorJitter } from "../../src/pictures/colorJitter.ts";
import { gaussianBlur } from "../../src/pictures/gaussianBlur.ts";
import { grayscale } from "../../src/pictures/grayscale.ts";
import { RAND_AUGMENT, randAugment } from "../../src/pictures/randAugment.ts";
import { solarize } from "../../src/pictures/solarize.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";

const on = withDevice();
const fixture = loadFixture("pictures");
const BATCH = fixture.shape("levels")[0]!;

/** Largest distance from torchvision, in levels. */
async function distance(
  augmentation: Augmentation,
  drawn: ArrayLike<number>,
  expected: string,
): Promise<number> {
  const { device } = on;
  const images = Tensor.from(device, fixture.values("levels"), fixture.shape("levels"));
  const table = Tensor.from(device, Float32Array.from(drawn), [BATCH, augmentation.width]);
  const y = Array.from(await augmentation.apply(images, table).read());
  const reference = fixture.values(expected);
  return y.reduce((most, value, i) => Math.max(most, Math.abs(value - reference[i]!)), 0);
}

const ones = new Float32Array(BATCH).fill(1);

test("colour jitter in six orders, with a picture without hue and one of pure colours", async () => {
  const jitter = colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 });
  expect(await distance(jitter, fixture.values("jitter.drawn"), "jitter")).toBeLessThan(5e-4); // measured 2.3e-4
});

test("gray and solarize", async () => {
  expect(await distance(grayscale(1), ones, "gray")).toBeLessThan(5e-5); // measured 1.5e-5
  expect(await distance(solarize(1), ones, "solarize")).toBe(0);
});

test("Gaussian blur of several widths, none among them", async () => {
  const blur = gaussianBlur({ p: 1 });
  expect(await distance(blur, fixture.values("blur.sigma"), "blur")).toBeLessThan(1e-4); // measured 4.6e-5
});

test("each operation of RandAugment, in either turn", async () => {
  const { device } = on;
  const images = Tensor.from(device, fixture.values("levels"), fixture.shape("levels"));
  const [drawn, wanted] = [fixture.values("randAugment.drawn"), fixture.values("randAugment")];
  const names = Object.keys(RAND_AUGMENT);
  expect(fixture.shape("randAugment.drawn")).toEqual([names.length, 3]);
  for (const [k, name] of names.entries()) {
    const own = Array.from(drawn.slice(3 * k, 3 * k + 3));
    expect(own[0], name).toBe(k + 1);
    const rows = Array.from({ length: BATCH }, (_, i) => (i % 2 ? [...own, 0, 0, 0] : [0, 0, 0, ...own]));
    const table = Tensor.from(device, rows.flat(), [BATCH, 6]);
    const y = Array.from(await randAugment({ magnitude: 9 }).apply(images, table).read());
    const most = y.reduce(
      (far, value, i) => Math.max(far, Math.abs(value - wanted[k * images.size + i]!)),
      0,
    );
    expect(most, name).toBeLessThan(5e-4); // measured 2.6e-4 rotated, 2.0e-4 sheared, 3.1e-5 and less otherwise
  }
});
