import fc from "fast-check";
import { expect, test } from "vitest";
import { flipDecision, randomResizedCrop, singleShotCrop } from "../../src/data/randomResizedCrop.ts";

/** Gives the listed numbers one after the other. */
const uniforms = (...values: number[]) => {
  let at = 0;
  return () => {
    const value = values[at++];
    if (value === undefined) throw new Error(`uniforms: only ${values.length} were provided.`);
    return value;
  };
};

const side = fc.integer({ min: 1, max: 300 });
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const low = fc.double({ min: 0.01, max: 1, noNaN: true });

for (const [name, crop] of Object.entries({ randomResizedCrop, singleShotCrop })) {
  test(`${name}: every crop has whole sides and lies inside the picture`, () => {
    fc.assert(
      fc.property(
        side,
        side,
        low,
        fc.array(unit, { minLength: 22, maxLength: 22 }),
        (width, height, from, u) => {
          const box = crop(width, height, [from, 1], undefined, uniforms(...u));
          expect(Object.values(box).every(Number.isInteger)).toBe(true);
          expect(box.width).toBeGreaterThan(0);
          expect(box.height).toBeGreaterThan(0);
          expect(Math.min(box.top, box.left)).toBeGreaterThanOrEqual(0);
          expect(box.left + box.width).toBeLessThanOrEqual(width);
          expect(box.top + box.height).toBeLessThanOrEqual(height);
        },
      ),
    );
  });
}

test("an accepted crop has area and aspect in range, up to rounding", () => {
  fc.assert(
    fc.property(fc.array(unit, { minLength: 22, maxLength: 22 }), (u) => {
      const { width, height } = randomResizedCrop(200, 200, [0.2, 0.6], undefined, uniforms(...u));
      const rounding = (width + height + 1) / 2; // half a pixel on either side
      expect(width * height).toBeGreaterThan(0.2 * 40_000 - rounding);
      expect(width * height).toBeLessThan(0.6 * 40_000 + rounding);
      expect(width / height).toBeGreaterThan(0.735);
      expect(width / height).toBeLessThan(1.36);
    }),
  );
});

test("the formula, number by number", () => {
  // area 0.5 * 10000, aspect 1: sides round(70.71) = 71; 30 positions each way
  const middle = randomResizedCrop(100, 100, [0.25, 0.75], undefined, uniforms(0.5, 0.5, 0, 0.999));
  expect(middle).toEqual({ top: 0, left: 29, height: 71, width: 71 });
  // aspect exp(log 4/3) = 4/3: w = round sqrt(2500 * 4/3) = 58, h = round sqrt(2500 * 3/4) = 43
  const wide = randomResizedCrop(100, 100, [0.25, 0.25], [4 / 3, 4 / 3], uniforms(0, 0, 0.5, 0.5));
  expect(wide).toEqual({ top: 29, left: 21, height: 43, width: 58 });
});

test("a draw that does not fit is tried again, ten times in all, then the centre is taken", () => {
  const misfit = [0.999999, 0.999999]; // almost all of the area at aspect 4/3 is wider than a square
  const second = randomResizedCrop(100, 100, [0.25, 1], undefined, uniforms(...misfit, 0, 0.5, 0, 0));
  expect(second).toEqual({ top: 0, left: 0, height: 50, width: 50 });
  const never = Array.from({ length: 10 }, () => misfit).flat();
  const whole = randomResizedCrop(100, 100, [0.25, 1], undefined, uniforms(...never));
  expect(whole).toEqual({ top: 0, left: 0, height: 100, width: 100 });
  const tall = Array.from({ length: 20 }, () => 0.5);
  expect(randomResizedCrop(30, 100, [0.9, 0.9], undefined, uniforms(...tall))).toEqual({
    top: 30,
    left: 0,
    height: 40,
    width: 30,
  });
  expect(randomResizedCrop(101, 30, [0.9, 0.9], undefined, uniforms(...tall))).toEqual({
    top: 0,
    left: 30,
    height: 30,
    width: 40,
  });
});

test("sides are rounded as Python rounds, a half to the even one", () => {
  // A square of this area of a square picture: the side is √share of the picture's.
  const sideOf = (of: number, share: number, crop = randomResizedCrop) =>
    crop(of, of, [share, share], [1, 1], uniforms(0, 0, 0, 0)).width;
  for (const crop of [randomResizedCrop, singleShotCrop]) {
    expect(sideOf(5, 0.25, crop)).toBe(2); // 2.5
    expect(sideOf(7, 0.25, crop)).toBe(4); // 3.5
    expect(sideOf(10, 0.36 ** 2, crop)).toBe(4); // 3.6
    expect(sideOf(10, 0.34 ** 2, crop)).toBe(3); // 3.4
  }
  const wide = singleShotCrop(5, 5, [1 / 4, 1 / 4], [1, 1], uniforms(0, 0, 0.999, 0.999));
  expect(wide).toEqual({ top: 3, left: 3, height: 2, width: 2 });
  // The fallback: int(round(w / min(ratio))) and int(round(h * max(ratio))).
  const never = () => uniforms(...Array.from({ length: 20 }, () => 0.999999));
  const fallback = (width: number, height: number) => {
    const box = randomResizedCrop(width, height, [1, 1], undefined, never());
    return [box.top, box.left, box.height, box.width];
  };
  expect(fallback(32, 100)).toEqual([28, 0, 43, 32]); // 42.67
  expect(fallback(31, 100)).toEqual([29, 0, 41, 31]); // 41.33
  expect(fallback(100, 32)).toEqual([0, 28, 32, 43]);
  expect(fallback(100, 31)).toEqual([0, 29, 31, 41]);
});

test("the single-shot variant clamps instead", () => {
  const box = singleShotCrop(100, 50, [1, 1], [1, 1], uniforms(0, 0, 0.3, 0.3)); // asks for 71 x 71
  expect(box).toEqual({ top: 0, left: 9, height: 50, width: 71 });
});

test("flips follow the probability, bad settings are refused", () => {
  expect([flipDecision(0.5, () => 0.49), flipDecision(0.5, () => 0.5)]).toEqual([true, false]);
  const crop = (scale: [number, number], ratio?: [number, number]) => () =>
    randomResizedCrop(10, 10, scale, ratio, () => 0.5);
  expect(crop([0, 1])).toThrow("scale must satisfy 0 < low <= high <= 1; got [0, 1]");
  expect(crop([0.2, 96])).toThrow("It is a share of the area, not a side.");
  expect(crop([0.2, 1], [2, 1])).toThrow("ratio must satisfy");
});
