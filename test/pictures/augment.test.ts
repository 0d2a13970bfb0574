import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type Augmentation, fillDrawn } from "../../src/pictures/augment.ts";
import { colorJitter } from "../../src/pictures/colorJitter.ts";
import { gaussianBlur } from "../../src/pictures/gaussianBlur.ts";
import { grayscale } from "../../src/pictures/grayscale.ts";
import { RAND_AUGMENT, randAugment } from "../../src/pictures/randAugment.ts";
import { solarize } from "../../src/pictures/solarize.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const COUNT = 4000;
const indices = Array.from({ length: COUNT }, (_, i) => i);

/** Rows of numbers drawn for many pictures. */
function draws(augmentation: Augmentation, view = 0, epoch = 3): number[][] {
  const { width } = augmentation;
  const out = new Float32Array(COUNT * width);
  fillDrawn(out, augmentation, indices, { seed: 5, epoch, view });
  return indices.map((i) => [...out.subarray(i * width, (i + 1) * width)]);
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
/** Four standard errors of a share. */
const slack = (p: number): number => 4 * Math.sqrt((p * (1 - p)) / COUNT);

describe("what is drawn", () => {
  const jitter = colorJitter({ brightness: 0.4, contrast: 0.3, saturation: 0.2, hue: 0.1, p: 0.8 });

  test("jitter: four in five pictures change, factors are uniform in their ranges", () => {
    const rows = draws(jitter);
    const changed = rows.filter(([b, c, s, h]) => b !== 1 || c !== 1 || s !== 1 || h !== 0);
    expect(Math.abs(changed.length / COUNT - 0.8)).toBeLessThan(slack(0.8));
    for (const [column, [low, high]] of [
      [0.6, 1.4],
      [0.7, 1.3],
      [0.8, 1.2],
      [-0.1, 0.1],
    ].entries()) {
      const values = changed.map((row) => row[column]!);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low! - 1e-6);
      expect(Math.max(...values)).toBeLessThanOrEqual(high! + 1e-6);
      const deviation = (high! - low!) / Math.sqrt(12);
      expect(Math.abs(mean(values) - (low! + high!) / 2)).toBeLessThan(
        (4 * deviation) / Math.sqrt(values.length),
      );
      const spread = Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
      expect(Math.abs(spread / deviation - 1)).toBeLessThan(0.05);
    }
  });

  test("a copy has numbers of its own, for all of its views the probabilities of these", () => {
    const drawn = (copies?: readonly number[], view = 0) => {
      const out = new Float32Array(4 * jitter.width);
      fillDrawn(out, jitter, [7, 7, 7, 8], { seed: 5, epoch: 3, view }, copies);
      return [0, 1, 2, 3].map((i) => [...out.subarray(i * jitter.width, (i + 1) * jitter.width)].join());
    };
    const [first, second, third, other] = drawn([0, 1, 2, 0]);
    expect(new Set([first, second, third, other]).size).toBe(4);
    expect(drawn([2, 0, 1, 0])).toEqual([third, first, second, other]);
    expect(drawn()).toEqual([first, first, first, other]);
    expect(drawn([0, 1, 2, 0], 1)).not.toContain(second);
    const asked: number[] = [];
    const noting: Augmentation = { ...jitter, width: 1, draw: (_, view) => [asked.push(view)] };
    fillDrawn(new Float32Array(2), noting, [7, 7], { seed: 5, epoch: 3, view: 1 }, [0, 2]);
    expect(asked).toEqual([1, 1]);
  });

  test("jitter: every order of the four comes equally often", () => {
    const orders = new Map<string, number>();
    for (const row of draws(jitter)) {
      const order = row.slice(4).join("");
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    for (const count of orders.values()) expect(Math.abs(count / COUNT - 1 / 24)).toBeLessThan(slack(1 / 24));
  });

  test("RandAugment: in each turn half the pictures change, by each operation equally often", () => {
    for (const turn of [0, 1]) {
      const numbers = draws(randAugment({ magnitude: 9 })).map((row) => row[3 * turn]!);
      expect(Math.abs(numbers.filter((number) => number > 0).length / COUNT - 0.5)).toBeLessThan(slack(0.5));
      for (const operation of Object.keys(RAND_AUGMENT).keys()) {
        const share = numbers.filter((number) => number === operation + 1).length / COUNT;
        expect(Math.abs(share - 1 / 30)).toBeLessThan(slack(1 / 30));
      }
    }
  });

  test("RandAugment: magnitudes are normal about 9 with deviation .5, cut at 10; signs are a coin's", () => {
    const shearX = Object.keys(RAND_AUGMENT).indexOf("shearX") + 1;
    const found = [0, 1, 2, 3, 4, 5].flatMap((epoch) =>
      draws(randAugment({ magnitude: 9 }), 0, epoch).flatMap(([one, a, , other, b]) => [
        ...(one === shearX ? [a! / 0.03] : []),
        ...(other === shearX ? [b! / 0.03] : []),
      ]),
    );
    expect(found.length).toBeGreaterThan(1400);
    const share = (isWanted: (m: number) => boolean) => found.filter(isWanted).length / found.length;
    const error = (p: number) => 4 * Math.sqrt((p * (1 - p)) / found.length);
    for (const [least, most, p] of [
      [0, 8.5, 0.1587],
      [8.5, 9, 0.3413],
      [9, 9.5, 0.3413],
      [9.5, 9.9999, 0.1359],
      [9.9999, 10.0001, 0.0228],
    ] as const) {
      expect(Math.abs(share((m) => Math.abs(m) >= least && Math.abs(m) < most) - p)).toBeLessThan(error(p));
    }
    expect(Math.abs(share((m) => m > 0) - 0.5)).toBeLessThan(error(0.5));
  });

  test("RandAugment: what operations are given at magnitudes 0, 9 and 10", () => {
    const at = (m: number, sign = 1) =>
      Object.fromEntries(Object.entries(RAND_AUGMENT).map(([name, given]) => [name, given(m, sign)[0]]));
    expect(at(0)).toMatchObject({ posterize: 16, solarize: 256, solarizeAdd: 0, color: 1, rotate: 1 });
    expect(at(9)).toMatchObject({ posterize: 128, solarize: 26, solarizeAdd: 99 });
    expect(at(10)).toMatchObject({ posterize: 256, solarize: 0, solarizeAdd: 110 });
    expect(at(9).translateX).toBeCloseTo(0.405, 12);
    expect(at(9, -1).brightness).toBeCloseTo(0.19, 12);
    expect(at(10, -1).sharpness).toBeCloseTo(0.1, 12);
    expect((Math.acos(at(9).rotate!) * 180) / Math.PI).toBeCloseTo(27, 9);
  });

  test("probabilities go by view, the last one given for all further views", () => {
    const share = (augmentation: Augmentation, view: number) =>
      mean(draws(augmentation, view).map(([value]) => Number(value !== 0)));
    const blur = gaussianBlur({ p: [1, 0.1, 0.5] });
    expect(share(blur, 0)).toBe(1);
    expect(Math.abs(share(blur, 1) - 0.1)).toBeLessThan(slack(0.1));
    expect(Math.abs(share(blur, 2) - 0.5)).toBeLessThan(slack(0.5));
    expect(Math.abs(share(blur, 7) - 0.5)).toBeLessThan(slack(0.5));
    expect(Math.abs(share(grayscale(0.2), 0) - 0.2)).toBeLessThan(slack(0.2));
    expect(share(solarize([0, 0.2]), 0)).toBe(0);
    expect(Math.abs(share(solarize([0, 0.2]), 1) - 0.2)).toBeLessThan(slack(0.2));
  });

  test("the same picture has other numbers in another view, epoch and augmentation, and the same ones again", () => {
    const once = draws(jitter);
    expect(draws(jitter)).toEqual(once);
    expect(draws(jitter, 1)).not.toEqual(once);
    expect(draws(jitter, 0, 4)).not.toEqual(once);
    const streams = [
      jitter,
      grayscale(0.5),
      gaussianBlur({ p: 1 }),
      solarize(0.5),
      randAugment({ magnitude: 9 }),
    ].map(({ stream }) => stream);
    expect(new Set(streams).size).toBe(5);
  });
});

test("what is not drawn leaves a picture as it is, to the bit", async () => {
  const { device } = on;
  const levels = Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => (i * 37) % 256);
  const images = Tensor.from(device, levels, [2, 8, 8, 3]);
  const none: [Augmentation, number[]][] = [
    [colorJitter({ brightness: 0, contrast: 0, saturation: 0, hue: 0 }), [1, 1, 1, 0, 2, 0, 3, 1]],
    [grayscale(0), [0]],
    [gaussianBlur({ p: 0 }), [0]],
    [solarize(0), [0]],
    [randAugment({ magnitude: 9 }), [0, 0, 0, 0, 0, 0]],
  ];
  for (const [augmentation, row] of none) {
    const drawn = Tensor.from(device, [...row, ...row], [2, row.length]);
    expect(await augmentation.apply(images, drawn).read()).toEqual(levels);
  }
});

test("pictures that are no squares are blurred across and down", async () => {
  const { device } = on;
  const deviations = [1.3, 0.6];
  for (const [height, width] of [
    [4, 11],
    [9, 3],
  ] as const) {
    const levels = Float32Array.from({ length: 2 * height * width * 3 }, (_, i) => (i * i * 37) % 256);
    const images = Tensor.from(device, levels, [2, height, width, 3]);
    const blurred = await gaussianBlur({ p: 1 })
      .apply(images, Tensor.from(device, deviations, [2, 1]))
      .read();
    /** The mean around (y, x) with the weights of a Gaussian over 13 x 13 pixels, edges repeated. */
    const around = (picture: number, y: number, x: number, c: number): number => {
      let [sum, weights] = [0, 0];
      for (let dy = -6; dy <= 6; dy++) {
        for (let dx = -6; dx <= 6; dx++) {
          const weight = Math.exp(-(dx * dx + dy * dy) / (2 * deviations[picture]! ** 2));
          const row = Math.min(height - 1, Math.max(0, y + dy));
          const column = Math.min(width - 1, Math.max(0, x + dx));
          sum += weight * levels[((picture * height + row) * width + column) * 3 + c]!;
          weights += weight;
        }
      }
      return sum / weights;
    };
    blurred.forEach((value, i) => {
      const pixel = Math.floor(i / 3);
      const row = Math.floor(pixel / width);
      const expected = around(Math.floor(row / height), row % height, pixel % width, i % 3);
      if (Math.abs(value - expected) > 1e-3)
        expect.fail(`${height} x ${width} at ${i}: ${value}, not ${expected}`);
    });
  }
});

test("numbers that are none of an augmentation are refused", () => {
  const jitter = { brightness: 0, contrast: 0, saturation: 0, hue: 0 };
  for (const [wrong, message] of [
    [{ hue: 0.6 }, "hue must be in [0, 0.5]; got 0.6"],
    [{ contrast: -0.1 }, "contrast must be a finite number from 0; got -0.1"],
    [{ saturation: Number.NaN }, "saturation must be a finite number from 0; got NaN"],
    [{ p: 1.5 }, "p must be one or more probabilities in [0, 1]; got 1.5"],
  ] as const) {
    expect(() => colorJitter({ ...jitter, ...wrong })).toThrow(`colorJitter: ${message}`);
  }
  expect(() => gaussianBlur({ p: [] })).toThrow(
    "gaussianBlur: p must be one or more probabilities in [0, 1]; got none",
  );
  expect(() => grayscale(-0.1)).toThrow("grayscale: p must be one or more probabilities in [0, 1]; got -0.1");
  expect(() => solarize([0, Number.NaN])).toThrow(
    "solarize: p must be one or more probabilities in [0, 1]; got 0, NaN",
  );
});
